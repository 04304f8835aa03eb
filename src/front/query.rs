//! The query of a request, read so that what is wrong with it can be said.

use std::collections::HashSet;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use super::responses::query_refused;
use crate::nearest::nearest;
use crate::protocol::{KeyTable, Keys, Values};

/// A query that has been read.
pub(super) struct Asked<Q>(pub(super) Q);

/// Why a query cannot be used. Says so to the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum QueryError {
    #[error("{0} must be {1}")]
    Value(&'static str, Values),
    #[error("{0} is given more than once")]
    Repeated(&'static str),
    /// A key that is not known, and the known one that is nearly the same. Other keys are ignored: people add some
    /// of their own, for proxies and caches.
    #[error("there is no key {given:?}; did you mean {meant}?")]
    Misspelt { given: String, meant: &'static str },
    #[error("The query cannot be read")]
    Unreadable,
}

impl<Q: Keys + DeserializeOwned, S: Sync> FromRequestParts<S> for Asked<Q> {
    type Rejection = QueryError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, QueryError> {
        let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri) else {
            return Err(QueryError::Unreadable);
        };
        check(Q::KEYS, &pairs)?;
        let read = Query::try_from_uri(&parts.uri);
        read.map(|Query(query)| Self(query)).map_err(|_| QueryError::Unreadable)
    }
}

impl IntoResponse for QueryError {
    fn into_response(self) -> Response {
        query_refused(&self.to_string())
    }
}

fn check(known: KeyTable, pairs: &[(String, String)]) -> Result<(), QueryError> {
    let mut given = HashSet::new();
    for (key, value) in pairs {
        match known.iter().find(|(name, _)| name == key) {
            Some((name, _)) if !given.insert(*name) => return Err(QueryError::Repeated(name)),
            Some((name, values)) if !values.take(value) => {
                return Err(QueryError::Value(name, *values));
            }
            Some(_) => {}
            None => {
                let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
                if let Some(meant) = nearest(key, &names) {
                    // A client cannot make the server repeat more.
                    let given = key.chars().take(100).collect();
                    return Err(QueryError::Misspelt { given, meant });
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{InferQuery, StreamQuery, VideoQuery};

    async fn read<Q: Keys + DeserializeOwned>(query: &str) -> Result<Q, String> {
        let request = axum::http::Request::get(format!("/?{query}")).body(()).unwrap();
        let read = Asked::from_request_parts(&mut request.into_parts().0, &()).await;
        read.map(|Asked(query)| query).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_query_that_cannot_be_used_is_refused_by_its_key() {
        for (query, detail) in [
            ("conf=abc", "conf must be a number from 0 to 1"),
            ("conf=", "conf must be a number from 0 to 1"),
            ("conf=0.5&conf=0.7", "conf is given more than once"),
            ("max_det=-1", "max_det must be a whole number, at least 1"),
            ("max_det=0", "max_det must be a whole number, at least 1"),
            ("text=false", "text must be 0 or 1"),
            ("hello=true", "hello must be 0 or 1"),
            ("track=yes", "track must be 0 or 1"),
            ("conff=0.4", "there is no key \"conff\"; did you mean conf?"),
            ("Pipeline_ID=a", "there is no key \"Pipeline_ID\"; did you mean pipeline_id?"),
            ("confidence=0.4", "there is no key \"confidence\"; did you mean conf?"),
        ] {
            assert_eq!(read::<StreamQuery>(query).await.unwrap_err(), detail, "{query}");
        }
        for (query, detail) in [
            ("frame_stride=0", "frame_stride must be a whole number, at least 1"),
            ("max_frames=1.5", "max_frames must be a whole number, at least 1"),
        ] {
            assert_eq!(read::<VideoQuery>(query).await.unwrap_err(), detail, "{query}");
        }
    }

    #[tokio::test]
    async fn a_query_is_read_and_keys_of_others_are_ignored() {
        let read = read::<InferQuery>("conf=0.5&classes=a%2Cb&text=1&token=x&_=17&api_key").await;
        let expected = InferQuery {
            conf: Some(0.5),
            classes: Some("a,b".to_owned()),
            text: Some("1".to_owned()),
            ..InferQuery::default()
        };
        assert_eq!(read, Ok(expected));
    }
}
