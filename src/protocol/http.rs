//! Bodies of HTTP requests and answers that are not information about the server.

use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::HttpErrorCode;

/// The body of every refusal and failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: HttpErrorCode,
    /// What went wrong, as a sentence for people.
    pub detail: String,
}

/// One JPEG, as the body of a request or as a binary message. Here for its schema alone.
#[derive(Debug, Clone, Copy)]
pub struct Jpeg;

impl PartialSchema for Jpeg {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .content_media_type("image/jpeg")
            .description(Some("One whole JPEG."))
            .into()
    }
}

impl ToSchema for Jpeg {}

/// A form with one file, as the body of `POST /infer`. Here for its schema alone.
#[derive(Debug, Clone, Copy, ToSchema)]
pub struct InferForm {
    /// The field may have any name; the first file is taken.
    #[expect(dead_code, reason = "only its schema is used")]
    file: Jpeg,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_written_as_the_protocol_says() {
        let body = ErrorBody { error: HttpErrorCode::NotFound, detail: "No".to_owned() };
        let json = r#"{"error":"not_found","detail":"No"}"#;
        assert_eq!(serde_json::to_string(&body).unwrap(), json);
        assert_eq!(serde_json::from_str::<ErrorBody>(json).unwrap(), body);
    }
}
