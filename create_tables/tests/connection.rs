//! Connection errors, and the choice of endpoint, region and credentials, through the real binary.

use std::time::Duration;

use test_support::canned::{CannedResponse, CannedServer, dead_endpoint};
use test_support::program::{Program, Run};

const STATUS: [&str; 2] = ["--status", "logfile"];

fn create_tables() -> Program {
    Program::new(env!("CARGO_BIN_EXE_create_tables")).args(STATUS)
}

/// A server that has no tables.
fn empty() -> CannedServer {
    CannedServer::always(CannedResponse::error(
        "ResourceNotFoundException",
        "Requested resource not found: Table: logfile not found",
    ))
}

fn run_at(answer: CannedResponse) -> Run {
    create_tables().endpoint(&CannedServer::always(answer).url()).run()
}

#[test]
fn dead_endpoint_says_what_to_check() {
    let url = dead_endpoint();
    let run = create_tables().endpoint(&url).timeout(Duration::from_secs(30)).run();
    run.assert_error(1, &[&url, "the endpoint cannot be reached: Connection refused", "that the server is running"]);
}

#[test]
fn other_servers_are_not_dynamodb() {
    let page = "<!DOCTYPE html><title>It works!</title>";
    for answer in [
        CannedResponse::http("200 OK", "text/html", page),
        CannedResponse::http("404 Not Found", "text/html", page),
        CannedResponse::http("405 Method Not Allowed", "text/html", page),
        CannedResponse::ok("{}"),
    ] {
        run_at(answer)
            .assert_error(1, &["the server at the endpoint is not DynamoDB", "another program is listening there"]);
    }
}

#[test]
fn rejections_are_distinguished() {
    let denied =
        CannedResponse::error("AccessDeniedException", "User: me is not authorized to perform: dynamodb:DescribeTable");
    run_at(denied)
        .assert_error(1, &["access denied: User: me is not authorized", "what to do: request the permission"]);
    let expired =
        CannedResponse::error("ExpiredTokenException", "The security token included in the request is expired");
    run_at(expired).assert_error(1, &["the AWS credentials are not accepted", "is expired", "aws sso login"]);
    let unknown =
        CannedResponse::error("UnrecognizedClientException", "The security token included in the request is invalid.");
    run_at(unknown).assert_error(1, &["the AWS credentials are not accepted", "is invalid"]);
}

#[test]
fn no_region_is_an_error_before_any_request() {
    create_tables().timeout(Duration::from_secs(10)).run().assert_error(1, &["no region is set", "--region us-east-1"]);
    let run = create_tables().endpoint("http://dynamodb.example.com").timeout(Duration::from_secs(10)).run();
    run.assert_error(1, &["no region is set"]);
}

#[test]
fn a_region_that_cannot_be_one_is_named() {
    let run = create_tables().args(["--region", "us east"]).run();
    run.assert_error(1, &["\"us east\" is not a region", "eu-west-1"]);
}

#[test]
fn no_credentials_is_an_error_before_any_request() {
    let run = create_tables().args(["--region", "eu-west-1"]).timeout(Duration::from_secs(10)).run();
    run.assert_error(1, &["no AWS credentials found", "AWS_ACCESS_KEY_ID"]);
}

#[test]
fn with_an_invalid_url_nothing_is_sent_to_aws() {
    for (url, reason) in [("127.0.0.1:8000", "it has no scheme"), ("ftp://127.0.0.1", "neither http nor https")] {
        let given = create_tables().args(["--endpoint-url", url]).run();
        given.assert_error(1, &[url, reason, "http://127.0.0.1:8000"]);
        // The SDK would ignore the variable.
        let found = create_tables().endpoint(url).env("AWS_REGION", "us-east-1").run();
        found.assert_error(1, &[url, reason]);
    }
}

#[test]
fn an_unknown_profile_is_an_error() {
    let server = empty();
    let run = create_tables().endpoint(&server.url()).args(["--profile", "nosuch"]).run();
    run.assert_error(1, &["there is no profile \"nosuch\""]);
    create_tables()
        .endpoint(&server.url())
        .env("AWS_PROFILE", "nosuch")
        .run()
        .assert_error(1, &["no profile \"nosuch\""]);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_loopback_endpoint_needs_nothing_else() {
    let server = empty();
    // With the metadata service enabled, as on a laptop: querying it takes seconds.
    let program = create_tables().endpoint(&server.url()).env("AWS_EC2_METADATA_DISABLED", "false");
    let program = program.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
    program.timeout(Duration::from_secs(10)).run().assert_code(0);
    let requests = server.requests();
    assert_eq!(requests[0].operation, "DescribeTable");
    assert!(requests[0].authorization.contains("Credential=placeholder/"), "{requests:?}");
    assert!(requests[0].authorization.contains("/us-east-1/dynamodb/"), "{requests:?}");
}

#[test]
fn credentials_and_region_of_the_environment_are_used_at_a_loopback_endpoint_too() {
    let server = empty();
    let program =
        create_tables().endpoint(&server.url()).env("AWS_ACCESS_KEY_ID", "MINE").env("AWS_SECRET_ACCESS_KEY", "s");
    program.env("AWS_DEFAULT_REGION", "ap-south-1").run().assert_code(0);
    let authorization = &server.requests()[0].authorization;
    assert!(authorization.contains("Credential=MINE/") && authorization.contains("/ap-south-1/"), "{authorization}");
}

#[test]
fn a_loopback_endpoint_is_not_reached_through_a_proxy() {
    let server = empty();
    let program = create_tables().endpoint(&server.url()).env("HTTP_PROXY", dead_endpoint());
    program.run().assert_code(0);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_profile_may_name_endpoint_region_and_credentials() {
    let server = empty();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config");
    let text = format!(
        "[profile lab]\nregion = eu-north-1\nendpoint_url = {}\naws_access_key_id = FILE\naws_secret_access_key = s\n",
        server.url()
    );
    std::fs::write(&file, text).unwrap();
    create_tables().env("AWS_CONFIG_FILE", &file).args(["--profile", "lab"]).run().assert_code(0);
    create_tables()
        .env("AWS_CONFIG_FILE", &file)
        .env("AWS_PROFILE", "lab")
        .args(["--region", "eu-west-3"])
        .run()
        .assert_code(0);
    let requests = server.requests();
    let [of_profile, of_flag] = requests.as_slice() else { panic!("{requests:?}") };
    assert!(of_profile.authorization.contains("Credential=FILE/"), "{of_profile:?}");
    assert!(of_profile.authorization.contains("/eu-north-1/"), "{of_profile:?}");
    assert!(of_flag.authorization.contains("/eu-west-3/"), "{of_flag:?}");
}

#[test]
fn the_flag_goes_before_the_service_s_variable_and_that_before_the_general_one() {
    let (wanted, other) = (empty(), empty());
    let program = create_tables().endpoint(&other.url()).env("AWS_ENDPOINT_URL_DYNAMODB", wanted.url());
    program.run().assert_code(0);
    let program = create_tables().env("AWS_ENDPOINT_URL_DYNAMODB", other.url()).args(["--endpoint-url", &wanted.url()]);
    program.run().assert_code(0);
    assert_eq!((wanted.requests().len(), other.requests().len()), (2, 0));
}

#[test]
fn configured_endpoints_can_be_ignored() {
    let server = empty();
    let ignoring = || create_tables().endpoint(&server.url()).env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    ignoring().args(["--region", "eu-west-1"]).run().assert_error(1, &["no AWS credentials found"]);
    assert_eq!(server.requests().len(), 0);
    ignoring().args(["--endpoint-url", &server.url()]).run().assert_code(0);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_broken_credential_process_is_named() {
    let server = empty();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config");
    std::fs::write(&file, "[default]\ncredential_process = false\n").unwrap();
    let run = create_tables().endpoint(&server.url()).env("AWS_CONFIG_FILE", &file).run();
    run.assert_error(1, &["the AWS credentials cannot be loaded: "]);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn rust_log_shows_more() {
    let server = empty();
    let quiet = create_tables().endpoint(&server.url()).run();
    assert_eq!(quiet.stderr, "");
    let loud = create_tables().endpoint(&server.url()).env("RUST_LOG", "aws_config=debug").run();
    loud.assert_code(0);
    assert!(loud.stderr.contains(" aws_config::"), "{}", loud.stderr);
}
