//! The detection API of DeepStack and CodeProject.AI, served for their clients with `--compat deepstack`.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use serde::Serialize;

use super::infer::{FORM_BYTES, declared_length};
use super::link::Link;
use super::multipart::{self, Part};
use super::responses::RETRY_AFTER;
use super::single::{self, Unanswered};
use super::state::App;
use crate::protocol::InvalidFrame;
use crate::protocol::deepstack::{Failure, ModelList, Prediction, Predictions};
use crate::stages::{Selection, Thresholds};

/// The paths of the API that are answered: the first pipeline's, those of pipelines by their names, and the list of
/// these. A slash at the end is some clients'.
pub(super) fn routes(body_limit: usize) -> Router<Arc<App>> {
    Router::new()
        .route("/v1/vision/detection", post(detection))
        .route("/v1/vision/detection/", post(detection))
        .route("/v1/vision/custom/list", post(list))
        .route("/v1/vision/custom/list/", post(list))
        .route("/v1/vision/custom/{name}", post(custom))
        .route("/v1/vision/custom/{name}/", post(custom))
        .layer(DefaultBodyLimit::max(body_limit))
}

/// A refusal: status and sentence.
type Refused = (StatusCode, String);

async fn detection(
    State(app): State<Arc<App>>,
    Extension(link): Extension<Arc<Link>>,
    request: Request,
) -> Response {
    answer(detect(&app, &link, None, request).await)
}

async fn custom(
    State(app): State<Arc<App>>,
    Extension(link): Extension<Arc<Link>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    answer(detect(&app, &link, Some(&name), request).await)
}

/// The names of the pipelines: Blue Iris asks for them.
async fn list(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(names(&app, request.headers()))
}

fn names(app: &App, headers: &HeaderMap) -> Result<ModelList, Refused> {
    check_origin(app, headers)?;
    let loaded = app.ready().ok_or_else(|| unanswered(&Unanswered::unavailable(app)))?;
    let models = loaded.pipelines.iter().map(|pipeline| pipeline.id.clone()).collect();
    Ok(ModelList { success: true, models, code: StatusCode::OK.as_u16() })
}

fn answer<T: Serialize>(result: Result<T, Refused>) -> Response {
    match result {
        Ok(found) => Json(found).into_response(),
        Err((status, error)) => {
            let failure = Json(Failure { success: false, error, code: status.as_u16() });
            match status {
                StatusCode::SERVICE_UNAVAILABLE => (status, RETRY_AFTER, failure).into_response(),
                _ => (status, failure).into_response(),
            }
        }
    }
}

/// Checks the head of a request before its body is read.
async fn detect(
    app: &Arc<App>,
    link: &Link,
    pipeline: Option<&str>,
    request: Request,
) -> Result<Predictions, Refused> {
    let headers = request.headers();
    check_origin(app, headers)?;
    let Some(boundary) = boundary(headers) else {
        return Err(bad_request(
            "Send a form (multipart/form-data) with a JPEG as its file `image`",
        ));
    };
    let limit = app.settings.max_frame_bytes;
    let bytes = declared_length(headers).unwrap_or(0);
    if bytes > limit + FORM_BYTES {
        let problem = InvalidFrame::TooLarge { bytes, limit };
        return Err(unanswered(&Unanswered::invalid(app, problem)));
    }
    let Some(loaded) = app.ready() else { return Err(unanswered(&Unanswered::unavailable(app))) };
    let Some((number, pipeline)) = loaded.pipeline(pipeline) else {
        let error = "There is no pipeline of this name; see GET /pipelines";
        return Err((StatusCode::NOT_FOUND, error.to_owned()));
    };
    let body = single::body(app, link, request).await.map_err(|problem| unanswered(&problem))?;
    let received = Instant::now();
    let (jpeg, min_confidence) = fields(body, &boundary).await?;
    let defaults = &pipeline.defaults;
    let confidence = min_confidence.unwrap_or(defaults.thresholds.confidence);
    let thresholds = Thresholds { confidence, ..defaults.thresholds };
    let selection = Arc::new(Selection { thresholds, ..defaults.clone() });
    let result = single::run(app, link, loaded, number, selection, jpeg, received).await;
    let result = result.map_err(|problem| unanswered(&problem))?;
    let predictions = result.detections.iter().map(Prediction::from).collect();
    Ok(Predictions::new(predictions, &result.timings, received.elapsed()))
}

fn check_origin(app: &App, headers: &HeaderMap) -> Result<(), Refused> {
    app.settings.origins.check(headers).map_err(|refused| {
        app.refusals.page(&refused);
        let error = "This page may not use this server; start it with --allow-origin";
        (StatusCode::FORBIDDEN, error.to_owned())
    })
}

fn unanswered(problem: &Unanswered) -> Refused {
    let (status, _, detail) = problem.parts();
    (status, detail)
}

fn bad_request(error: &str) -> Refused {
    (StatusCode::BAD_REQUEST, error.to_owned())
}

fn boundary(headers: &HeaderMap) -> Option<String> {
    multipart::boundary(headers.get(header::CONTENT_TYPE)?.to_str().ok()?)
}

/// The JPEG and `min_confidence` of a form. Other fields, `api_key` among them, are ignored: who may use the server is
/// the business of a proxy in front of it.
async fn fields(form: Bytes, boundary: &str) -> Result<(Bytes, Option<f32>), Refused> {
    let (mut jpeg, mut min_confidence) = (None, None);
    let parts = multipart::parts(form, boundary).await;
    for Part { name, content, .. } in parts.map_err(|refused| bad_request(&refused.to_string()))? {
        match &*name {
            "image" => jpeg = Some(content),
            // Some clients send what a person has left empty.
            "min_confidence" if content.trim_ascii().is_empty() => {}
            "min_confidence" => {
                let number =
                    str::from_utf8(&content).ok().and_then(|text| text.trim().parse().ok());
                let Some(number) = number.filter(|number| (0.0..=1.0).contains(number)) else {
                    return Err(bad_request(
                        "min_confidence must be a number from 0 to 1, 0.4 for 40 percent",
                    ));
                };
                min_confidence = Some(number);
            }
            _ => {}
        }
    }
    let jpeg = jpeg.ok_or_else(|| bad_request("The form has no file `image`"))?;
    Ok((jpeg, min_confidence))
}
