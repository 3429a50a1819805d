//! The website that the log is from, and its visitors. All of it is invented; addresses and names are those reserved for examples
//! (RFC 5737, RFC 3849, RFC 2606).

use std::fmt::Write as _;

use fastrand::Rng;

/// A visitor: its address, its user agent, and whether it is a crawler. Crawlers request other pages than people do.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) address: String,
    pub(crate) agent: &'static str,
    pub(crate) is_crawler: bool,
}

/// Crawlers with their share of all requests in percent. A few hosts are very busy, so a partition key made from the host is hot.
const CRAWLERS: [(u32, &str, &str); 6] = [
    (21, "192.0.2.3", "Mozilla/5.0 (compatible; Wanderer/2.1; +http://wanderer.example/bot.html)"),
    (8, "198.51.100.193", "Mozilla/5.0 (compatible; SlowCrawl/1.4; +http://crawl.example.net/why-are-we-here.html)"),
    (6, "203.0.113.65", "Fetchling/0.9 (feeds; 14 subscribers; +http://fetchling.example.org)"),
    (5, "192.0.2.17", "Mozilla/5.0 (compatible; ImageMagpie/3.0; +http://magpie.example/images)"),
    (3, "198.51.100.116", "archive-walker/5.2 (+http://archive.example.edu/walker; mailto:walker@archive.example.edu)"),
    (2, "203.0.113.202", "Mozilla/5.0 (compatible; LinkChecker/10.0; \"nightly\", every link; +http://links.example)"),
];

const BROWSERS: [&str; 12] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:136.0) Gecko/20100101 Firefox/136.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:135.0) Gecko/20100101 Firefox/135.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/134.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/134.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36",
    "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
    "Lynx/2.9.0 libwww-FM/2.14 SSL-MM/1.4.1",
    "curl/8.12.1",
    "Fernglas/4.2 (Desktop; für Bildersammlungen)",
    "-",
];

/// The number of people. With the crawlers, this is about as many hosts as a small site sees in two days.
const PEOPLE: u32 = 240;

/// The returning visitors, crawlers first.
pub(crate) fn hosts(rng: &mut Rng) -> Vec<Host> {
    let crawler = |&(_, address, agent): &(u32, &str, &'static str)| Host {
        address: address.to_owned(),
        agent,
        is_crawler: true,
    };
    let mut hosts: Vec<Host> = CRAWLERS.iter().map(crawler).collect();
    hosts.extend((0..PEOPLE).map(|number| Host {
        // 80 addresses in each of the three blocks. They are even; the crawlers' are odd.
        address: format!("{}.{}", ["192.0.2", "198.51.100", "203.0.113"][number as usize % 3], 2 + number / 3 * 2),
        agent: BROWSERS[rng.usize(..BROWSERS.len())],
        is_crawler: false,
    }));
    rng.shuffle(&mut hosts[CRAWLERS.len()..]);
    hosts
}

/// The sender of the next request: an index into [`hosts`], or `None` for a visitor who comes only once.
pub(crate) fn next_host(rng: &mut Rng, hosts: &[Host]) -> Option<usize> {
    let mut draw = rng.u32(..100);
    for (index, (share, _, _)) in CRAWLERS.iter().enumerate() {
        if draw < *share {
            return Some(index);
        }
        draw -= share;
    }
    if draw < 2 {
        return None;
    }
    // Some people come often, most rarely.
    let people = hosts.len() - CRAWLERS.len();
    let most = rng.usize(1..=people);
    Some(CRAWLERS.len() + rng.usize(..most))
}

/// A visitor who comes only once.
pub(crate) fn one_time_visitor(rng: &mut Rng) -> Host {
    Host {
        address: format!("2001:db8:{:x}:{:x}::{:x}", rng.u16(..), rng.u16(..), rng.u16(1..)),
        agent: BROWSERS[rng.usize(..BROWSERS.len())],
        is_crawler: false,
    }
}

/// The kind of resource requested; the response depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Page,
    Image,
    Asset,
    Missing,
}

const ALBUMS: [&str; 10] =
    ["alps", "harbour", "łódź", "zürich", "são-paulo", "night-trains", "birds", "東京", "kitchen", "1987"];
const WORDS: [&str; 12] = [
    "glacier",
    "red, white",
    "\"high water\"",
    "café",
    "ferry",
    "snow+moon",
    "naïve",
    "bridge",
    "Ærø",
    "market, sunday",
    "fog",
    "猫",
];

/// Writes into `url` a URL that this kind of visitor requests.
pub(crate) fn write_url(rng: &mut Rng, is_crawler: bool, url: &mut String) -> Kind {
    let album = ALBUMS[rng.usize(..ALBUMS.len())];
    let photo = rng.u32(1..20_000);
    let written = match (rng.u32(..100), is_crawler) {
        (..4, true) => write!(url, "/robots.txt").map(|()| Kind::Asset),
        (4..10, true) => write!(url, "/feed.xml").map(|()| Kind::Page),
        (10..60, true) | (..28, false) => {
            let size = [320, 640, 1280][rng.usize(..3)];
            write!(url, "/gallery/view?album={album}&photo={photo}&size={size}&back=%2Fgallery%2F{}", photo / 40)
                .map(|()| Kind::Page)
        }
        (60..78, _) => write!(url, "/images/{album}/{photo:05}.jpg").map(|()| Kind::Image),
        (78..84, _) => {
            let word = WORDS[rng.usize(..WORDS.len())];
            write!(url, "/search?q={word}&album={album}&page={}", rng.u32(1..30)).map(|()| Kind::Page)
        }
        (84..88, _) => write!(url, "/notes/{}/{album}.html", rng.u32(2019..2026)).map(|()| Kind::Page),
        (88..91, _) => write!(url, "/old/{album}/index{}.htm", rng.u32(1..9)).map(|()| Kind::Missing),
        (28..40, false) => write!(url, "/").map(|()| Kind::Page),
        (40..50, false) => write!(url, "/assets/{}", ["style.css", "site.js", "logo.svg", "print.css"][rng.usize(..4)])
            .map(|()| Kind::Asset),
        (50..54, false) => write!(url, "/favicon.ico").map(|()| Kind::Asset),
        _ => write!(url, "/gallery/{album}/").map(|()| Kind::Page),
    };
    // Writing into a string does not fail.
    written.unwrap_or(Kind::Page)
}
