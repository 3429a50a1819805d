//! The files of the page.

/// A file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asset {
    pub(crate) content_type: &'static str,
    pub(crate) body: &'static str,
}

/// What every file is sent with. Scripts, styles and data come from this server alone, none is inline, and no other page can
/// frame or embed this one.
pub(crate) const HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    // A newer version of the program has a newer page.
    ("cache-control", "no-cache"),
];

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

impl Asset {
    /// The file at `path`.
    pub(crate) fn at(path: &str) -> Option<Self> {
        let (content_type, body) = match path {
            "/" => (HTML, include_str!("page/index.html")),
            "/monitor/icon.svg" => (SVG, include_str!("page/icon.svg")),
            "/monitor/monitor.css" => (CSS, include_str!("page/monitor.css")),
            "/monitor/main.js" => (JAVASCRIPT, include_str!("page/main.js")),
            "/monitor/table_panel.js" => (JAVASCRIPT, include_str!("page/table_panel.js")),
            "/monitor/charts.js" => (JAVASCRIPT, include_str!("page/charts.js")),
            "/monitor/automation.js" => (JAVASCRIPT, include_str!("page/automation.js")),
            "/monitor/items.js" => (JAVASCRIPT, include_str!("page/items.js")),
            "/monitor/history.js" => (JAVASCRIPT, include_str!("page/history.js")),
            "/monitor/uplot.js" => (JAVASCRIPT, include_str!("page/uplot/uPlot.iife.min.js")),
            "/monitor/uplot.css" => (CSS, include_str!("page/uplot/uPlot.min.css")),
            _ => return None,
        };
        Some(Self { content_type, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN_SCRIPTS: [&str; 6] = [
        "/monitor/main.js",
        "/monitor/table_panel.js",
        "/monitor/automation.js",
        "/monitor/items.js",
        "/monitor/charts.js",
        "/monitor/history.js",
    ];

    #[test]
    fn all_that_the_page_asks_for_is_there() {
        let mut asked = 0;
        for file in OWN_SCRIPTS.into_iter().chain(["/"]) {
            let body = Asset::at(file).unwrap().body;
            let absolute = body.split('"').filter(|text| text.starts_with("/monitor/"));
            let imported = body.lines().filter_map(|line| line.split_once("from \"./")?.1.split_once('"'));
            let imported = imported.map(|(name, _)| format!("/monitor/{name}"));
            for path in absolute.map(ToOwned::to_owned).chain(imported) {
                assert!(Asset::at(&path).is_some(), "{file} asks for {path}");
                asked += 1;
            }
        }
        assert!(asked >= 8, "{asked}");
    }

    #[test]
    fn nothing_is_made_of_text_that_a_browser_would_run() {
        for file in OWN_SCRIPTS.into_iter().chain(["/monitor/uplot.js"]) {
            let body = Asset::at(file).unwrap().body;
            for forbidden in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"]
            {
                assert!(!body.contains(forbidden), "{file} has {forbidden}");
            }
        }
        let page = Asset::at("/").unwrap().body;
        assert!(!page.contains("style=") && !page.contains("<style") && !page.contains("<script>"), "nothing inline");
    }
}
