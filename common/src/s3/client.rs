//! A blocking S3 client: a thread with a runtime, on which all requests run.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation, StalledStreamProtectionConfig};
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::primitives::ByteStream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::download::Download;
use super::error::{S3Error, S3ErrorKind};
use super::list::{self, Object};
use super::url::S3Url;
use crate::batch_writer::client::{Connection, ConnectionError, Settings};

/// The service ID of S3 in the AWS configuration.
const SERVICE_ID: &str = "S3";

/// A connection to S3. Cheap to clone; its thread ends with the last clone.
#[derive(Debug, Clone)]
pub struct S3(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    client: Client,
    runtime: Handle,
    /// Ends the thread when it is dropped.
    _running: oneshot::Sender<()>,
}

impl S3 {
    /// Finds the endpoint (`AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, the profile's), the region and the credentials as for DynamoDB.
    /// Sends nothing.
    ///
    /// # Errors
    /// The configuration cannot be used, or the thread cannot be started.
    pub fn connect(region: Option<String>, profile: Option<String>) -> Result<Self, ConnectionError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(ConnectionError::Runtime)?;
        let settings = Settings { endpoint_url: None, region, profile };
        let connection = runtime.block_on(Connection::open_service(SERVICE_ID, &settings))?;
        let client = client(&connection);
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel();
        let run = move || {
            let _ = runtime.block_on(ended);
        };
        thread::Builder::new().name("s3".to_owned()).spawn(run).map_err(ConnectionError::Runtime)?;
        Ok(Self(Arc::new(Shared { client, runtime: handle, _running: running })))
    }

    /// The object at `url`, or all objects of the prefix, in sorted order.
    ///
    /// # Errors
    /// There is none, or reading or listing is not allowed.
    pub fn objects(&self, url: &S3Url) -> Result<Vec<Object>, S3Error> {
        let (client, url) = (self.0.client.clone(), url.clone());
        self.run(async move {
            match url.is_prefix() {
                true => list::objects_of_prefix(&client, &url).await,
                false => list::object(&client, &url).await.map(|object| vec![object]),
            }
        })
    }

    /// Reads an object from `offset` to its end.
    pub fn read(&self, object: &Object, offset: u64) -> Download {
        Download::start(&self.0.runtime, self.0.client.clone(), object.clone(), offset)
    }

    /// Uploads a file, replacing the object at `url`.
    ///
    /// # Errors
    /// The file cannot be read, or an error of S3.
    pub fn put_file(&self, url: &S3Url, path: &Path) -> Result<(), S3Error> {
        let (client, url, path) = (self.0.client.clone(), url.clone(), path.to_owned());
        self.run(async move {
            let unreadable = |error: &dyn std::error::Error| {
                S3Error::new(&url, S3ErrorKind::Other, format!("{} cannot be read: {error}", path.display()))
            };
            let body = ByteStream::from_path(&path).await.map_err(|error| unreadable(&error))?;
            let put = client.put_object().bucket(&url.bucket).key(&url.key).body(body).send().await;
            put.map(drop).map_err(|error| {
                log::debug!("PutObject {url}: {:?}", error.code());
                S3Error::of_request(&url, &error)
            })
        })
    }

    /// Deletes the object at `url`.
    ///
    /// # Errors
    /// An error of S3.
    pub fn delete(&self, url: &S3Url) -> Result<(), S3Error> {
        let (client, url) = (self.0.client.clone(), url.clone());
        self.run(async move {
            let deleted = client.delete_object().bucket(&url.bucket).key(&url.key).send().await;
            deleted.map(drop).map_err(|error| S3Error::of_request(&url, &error))
        })
    }

    /// Runs `work` on the thread and waits for the result.
    fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.0.runtime.spawn(async move {
            let _ = sender.send(work.await);
        });
        match receiver.recv() {
            Ok(result) => result,
            // The task has panicked, and its message has been printed.
            Err(_) => panic!("a request to S3 ended unexpectedly"),
        }
    }
}

fn client(connection: &Connection) -> Client {
    // Endpoints other than AWS's have no DNS name for each bucket.
    let is_aws = |url: &str| url.contains(".amazonaws.com") || url.contains(".api.aws");
    let path_style = connection.endpoint_url().is_some_and(|url| !is_aws(url));
    let mut config = aws_sdk_s3::config::Builder::from(&connection.service_config())
        .force_path_style(path_style)
        // A load that waits for its table does not read. That is not a stalled stream, and the reader has its own
        // timeout.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        // Responses for a range have no checksum, and servers other than AWS's may not support checksums in requests.
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
    config.push_interceptor(connection.credentials_interceptor());
    Client::from_conf(config.build())
}
