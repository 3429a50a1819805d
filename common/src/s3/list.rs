//! The objects that a URL refers to.

use aws_sdk_s3::Client;

use super::error::{S3Error, S3ErrorKind};
use super::url::S3Url;

/// An object as it was when the load began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub url: S3Url,
    /// Its stored length in bytes.
    pub size: u64,
    /// Changes with its contents.
    pub etag: String,
}

/// One object. HeadObject returns no error body, so GetObject is called for the details.
pub(super) async fn object(client: &Client, url: &S3Url) -> Result<Object, S3Error> {
    if let Ok(head) = client.head_object().bucket(&url.bucket).key(&url.key).send().await {
        return described(url.clone(), head.content_length(), head.e_tag());
    }
    let get = client.get_object().bucket(&url.bucket).key(&url.key).send().await;
    let object = get.map_err(|error| S3Error::of_request(url, &error))?;
    described(url.clone(), object.content_length(), object.e_tag())
}

fn described(url: S3Url, size: Option<i64>, etag: Option<&str>) -> Result<Object, S3Error> {
    match (size.and_then(|size| u64::try_from(size).ok()), etag) {
        (Some(size), Some(etag)) => Ok(Object { url, size, etag: etag.to_owned() }),
        _ => Err(S3Error::new(&url, S3ErrorKind::NotS3, "the response has no length and ETag of the object")),
    }
}

/// All objects whose keys begin with the prefix, in sorted order.
pub(super) async fn objects_of_prefix(client: &Client, prefix: &S3Url) -> Result<Vec<Object>, S3Error> {
    let mut found = Vec::new();
    let list = client.list_objects_v2().bucket(&prefix.bucket).prefix(&prefix.key);
    let mut pages = list.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| S3Error::of_request(prefix, &error))?;
        for object in page.contents() {
            let Some(key) = object.key() else { continue };
            found.push((key.to_owned(), object.size(), object.e_tag().map(str::to_owned)));
        }
    }
    let data = data_of_export(&prefix.key, found.iter().map(|(key, ..)| key.as_str()));
    found.retain(|(key, ..)| is_input(&data, key));
    // S3 lists in this order; directory buckets and other servers may not.
    found.sort();
    let mut objects = Vec::with_capacity(found.len());
    for (key, size, etag) in found {
        let url = prefix.with_key(key);
        objects.push(match etag {
            Some(_) => described(url, size, etag.as_deref())?,
            None => object(client, &url).await?,
        });
    }
    match objects.is_empty() {
        true => Err(S3Error::new(prefix, S3ErrorKind::EmptyPrefix, "there is no object with this prefix")),
        false => Ok(objects),
    }
}

/// The prefix of the data, if DynamoDB has exported a table to the prefix; otherwise the prefix itself.
fn data_of_export<'a>(prefix: &str, keys: impl IntoIterator<Item = &'a str>) -> String {
    let manifest = format!("{prefix}manifest-files.json");
    let is_export = keys.into_iter().any(|key| key == manifest);
    if is_export { format!("{prefix}data/") } else { prefix.to_owned() }
}

/// As in a folder, names that begin with a dot are skipped, and so are objects that only represent a folder.
fn is_input(prefix: &str, key: &str) -> bool {
    let Some(below) = key.strip_prefix(prefix) else { return false };
    !below.is_empty() && !key.ends_with('/') && !below.split('/').any(|name| name.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs<'a>(prefix: &str, keys: &[&'a str]) -> Vec<&'a str> {
        let data = data_of_export(prefix, keys.iter().copied());
        keys.iter().copied().filter(|key| is_input(&data, key)).collect()
    }

    #[test]
    fn a_prefix_stands_for_all_objects_below_it_but_folders_and_hidden_ones() {
        let keys = ["logs/", "logs/.tmp/a.csv", "logs/.hidden", "logs/2026/", "logs/2026/a.csv", "logs/b.csv"];
        assert_eq!(inputs("logs/", &keys), ["logs/2026/a.csv", "logs/b.csv"]);
        assert_eq!(inputs("", &["a.csv", ".b"]), ["a.csv"]);
    }

    #[test]
    fn of_an_export_the_data_is_read() {
        let keys = ["x/01/_started", "x/01/data/a.json.gz", "x/01/manifest-files.json", "x/01/manifest-summary.json"];
        assert_eq!(inputs("x/01/", &keys), ["x/01/data/a.json.gz"]);
        assert_eq!(inputs("x/", &keys).len(), 4, "the export is one folder further down");
    }
}
