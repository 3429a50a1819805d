//! Errors of CloudWatch. Each kind has two names: that of the shape, for the typed protocols, and that of the query
//! protocol, which clients show.

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", kind.code())]
pub(super) struct Error {
    pub(super) kind: Kind,
    pub(super) message: String,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    InternalService,
    InvalidAction,
    InvalidFormat,
    InvalidNextToken,
    InvalidParameterCombination,
    InvalidParameterValue,
    MalformedInput,
    MissingAuthenticationToken,
    MissingParameter,
    ResourceNotFound,
    Validation,
}

impl Kind {
    /// The name in the query protocol.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::InternalService => "InternalServiceError",
            Self::InvalidAction => "InvalidAction",
            Self::InvalidFormat => "InvalidFormat",
            Self::InvalidNextToken => "InvalidNextToken",
            Self::InvalidParameterCombination => "InvalidParameterCombination",
            Self::InvalidParameterValue => "InvalidParameterValue",
            Self::MalformedInput => "MalformedInput",
            Self::MissingAuthenticationToken => "MissingAuthenticationToken",
            Self::MissingParameter => "MissingParameter",
            Self::ResourceNotFound => "ResourceNotFound",
            Self::Validation => "ValidationError",
        }
    }

    /// The name of the shape.
    pub(super) fn shape(self) -> &'static str {
        match self {
            Self::InternalService => "com.amazonaws.cloudwatch#InternalServiceFault",
            Self::InvalidAction => "com.amazon.coral.service#UnknownOperationException",
            Self::InvalidFormat => "com.amazonaws.cloudwatch#InvalidFormatFault",
            Self::InvalidNextToken => "com.amazonaws.cloudwatch#InvalidNextToken",
            Self::InvalidParameterCombination => "com.amazonaws.cloudwatch#InvalidParameterCombinationException",
            Self::InvalidParameterValue => "com.amazonaws.cloudwatch#InvalidParameterValueException",
            Self::MalformedInput => "com.amazon.coral.service#SerializationException",
            Self::MissingAuthenticationToken => "com.amazon.coral.service#MissingAuthenticationTokenException",
            Self::MissingParameter => "com.amazonaws.cloudwatch#MissingRequiredParameterException",
            Self::ResourceNotFound => "com.amazonaws.cloudwatch#ResourceNotFound",
            Self::Validation => "com.amazon.coral.validate#ValidationException",
        }
    }

    /// The HTTP status.
    pub(super) fn status(self) -> u16 {
        match self {
            Self::InternalService => 500,
            Self::MissingAuthenticationToken => 403,
            Self::ResourceNotFound => 404,
            _ => 400,
        }
    }

    /// Whether the sender or the receiver is at fault, as in the query protocol.
    pub(super) fn fault(self) -> &'static str {
        if self.status() < 500 { "Sender" } else { "Receiver" }
    }
}

impl Error {
    pub(super) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// A request that cannot be decoded.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(Kind::MalformedInput, message)
    }

    /// A parameter that was left out.
    pub(super) fn missing(parameter: &str) -> Self {
        Self::new(Kind::MissingParameter, format!("The parameter {parameter} is required."))
    }

    /// A parameter with a value that it cannot have.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::InvalidParameterValue, message)
    }

    /// Parameters that do not go together.
    pub(super) fn combination(message: impl Into<String>) -> Self {
        Self::new(Kind::InvalidParameterCombination, message)
    }

    /// The error about a parameter of GetMetricData and of the operations on alarms, which have one kind for all of
    /// them.
    pub(super) fn into_validation(self) -> Self {
        match self.kind {
            Kind::MissingParameter | Kind::InvalidParameterValue | Kind::InvalidParameterCombination => {
                Self { kind: Kind::Validation, ..self }
            }
            _ => self,
        }
    }
}
