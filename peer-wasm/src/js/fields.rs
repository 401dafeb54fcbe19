//! JavaScript objects that are being filled.

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::JsValue;

/// A JavaScript object that is being filled.
pub(super) struct Fields(Object);

impl Fields {
    pub(super) fn new() -> Self {
        Self(Object::new())
    }

    pub(super) fn of_type(name: &str) -> Self {
        Self::new().with("type", name)
    }

    pub(super) fn with(self, name: &str, value: impl Into<JsValue>) -> Self {
        // Setting a property of a fresh object cannot fail.
        let _ = Reflect::set(&self.0, &JsValue::from_str(name), &value.into());
        self
    }

    /// One object for each of these.
    pub(super) fn each<T>(all: impl IntoIterator<Item = T>, of: impl Fn(T) -> Self) -> Array {
        all.into_iter().map(|one| JsValue::from(of(one))).collect()
    }
}

impl From<Fields> for JsValue {
    fn from(fields: Fields) -> Self {
        fields.0.into()
    }
}
