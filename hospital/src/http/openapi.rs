//! The description of the API in `OpenAPI` 3.1, which is put together from what stands beside the handlers.

use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

/// The description, but for the paths: the routers bring those along.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Wardsum hospital",
        description = "What a hospital tells everybody about its studies, and what researchers do with them. \
            Numbers that may exceed 2^53, which is where JavaScript's stop being exact, are decimal strings. \
            Times are in milliseconds since 1970 by the hospital's clock, or durations in milliseconds.",
        license(name = "MIT OR Apache-2.0")
    ),
    servers((url = "/", description = "The hospital that serves this document")),
    tags(
        (name = "public", description = "For everybody."),
        (name = "researcher", description = "For researchers, with a token that `hospital researcher add` makes. \
            Whoever has the role `viewer` may use GET.")
    ),
    modifiers(&Token)
)]
pub(super) struct Description;

struct Token;

impl Modify for Token {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("token", scheme);
    }
}
