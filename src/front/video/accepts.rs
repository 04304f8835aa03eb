//! Which of the two forms of an answer a client accepts.

use axum::http::{HeaderMap, header};

/// The type of an answer with a JSON object on each line.
pub(super) const NDJSON: &str = "application/x-ndjson";
pub(super) const JSON: &str = "application/json";

/// The type that is named first; `None` if none of the two is.
pub(super) fn accepted(headers: &HeaderMap) -> Option<&'static str> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let types = values.flat_map(|value| value.split(','));
    let names = types.map(|name| name.split(';').next().unwrap_or_default().trim());
    names
        .filter_map(|name| {
            [NDJSON, JSON].into_iter().find(|known| known.eq_ignore_ascii_case(name))
        })
        .next()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_type_that_is_named_first_counts() {
        for (accept, expected) in [
            (None, None),
            (Some("*/*"), None),
            (Some("application/json"), Some(JSON)),
            (Some("APPLICATION/Json; q=1"), Some(JSON)),
            (Some("text/html, application/x-ndjson;q=0.9, application/json"), Some(NDJSON)),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            }
            assert_eq!(accepted(&headers), expected, "{accept:?}");
        }
    }
}
