//! Views: elements that are made once, and the parts of them that change.
//!
//! Leptos says what changes, and when. Its own views are compiled anew for each shape that an element has, which
//! would weigh more than all the rest of this crate; here each element is made by the same few functions. What is
//! said is only ever set as text, never as HTML.

use js_sys::Reflect;
use leptos::prelude::{RenderEffect, StoredValue};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Event, Node, Text};

/// Where the names of the elements of SVG come from.
const SVG: &str = "http://www.w3.org/2000/svg";

/// A part of the page: a text, an element, or several of these in a row.
#[derive(Clone, Debug)]
pub(crate) struct View(Node);

/// An element. What is done to it gives it back, so that it is written down in one go.
#[derive(Clone, Debug)]
#[must_use = "an element is on the page once it is a part of a view"]
pub(crate) struct Element(web_sys::Element);

fn document() -> Document {
    let document = web_sys::window().and_then(|window| window.document());
    document.unwrap_or_else(|| unreachable!("the page runs in a window"))
}

/// An element with this name.
pub(crate) fn element(name: &str) -> Element {
    made(document().create_element(name))
}

/// An element of a drawing.
pub(crate) fn svg(name: &str) -> Element {
    made(document().create_element_ns(Some(SVG), name))
}

fn made(element: Result<web_sys::Element, JsValue>) -> Element {
    // Refused are only names that are none.
    Element(element.unwrap_or_else(|_| unreachable!("names of elements are not made up")))
}

impl Element {
    /// Gives an attribute its value for good.
    pub(crate) fn attr(self, name: &str, value: &str) -> Self {
        set_attribute(&self.0, name, Some(value));
        self
    }

    /// Gives an attribute a value for good, if there is one.
    pub(crate) fn maybe_attr(self, name: &str, value: Option<&str>) -> Self {
        set_attribute(&self.0, name, value);
        self
    }

    pub(crate) fn id(self, id: &str) -> Self {
        self.attr("id", id)
    }

    pub(crate) fn class(self, class: &str) -> Self {
        self.attr("class", class)
    }

    /// For tests.
    pub(crate) fn test_id(self, id: &str) -> Self {
        self.attr("data-testid", id)
    }

    /// What it is called is said by the element with this id.
    pub(crate) fn labelled_by(self, id: &str) -> Self {
        self.attr("aria-labelledby", id)
    }

    /// Adds something to what it holds.
    pub(crate) fn with(self, part: impl Into<View>) -> Self {
        append(&self.0, &part.into());
        self
    }

    /// Gives an attribute the value that it has at any time, if it has one.
    pub(crate) fn live_attr(
        self,
        name: &'static str,
        value: impl Fn() -> Option<String> + 'static,
    ) -> Self {
        follow_attribute(self.0.clone(), name, Box::new(value));
        self
    }

    /// The same for an attribute that has no value, but is there or not.
    pub(crate) fn live_flag(self, name: &'static str, set: impl Fn() -> bool + 'static) -> Self {
        self.live_attr(name, move || set().then(String::new))
    }

    /// Gives a property the value that it has at any time, whatever the visitor has made of it.
    pub(crate) fn live_property<T: Into<JsValue>>(
        self,
        name: &'static str,
        value: impl Fn() -> T + 'static,
    ) -> Self {
        let element = self.0.clone();
        follow(Box::new(move || {
            // Setting what every element of its kind has cannot fail.
            let _ = Reflect::set(&element, &name.into(), &value().into());
        }));
        self
    }

    /// Listens to an event.
    pub(crate) fn on(self, event: &str, listener: impl FnMut(Event) + 'static) -> Self {
        listen(&self.0, event, Box::new(listener));
        self
    }
}

fn set_attribute(element: &web_sys::Element, name: &str, value: Option<&str>) {
    // Refused are only names that are none.
    let _ = match value {
        Some(value) => element.set_attribute(name, value),
        None => element.remove_attribute(name),
    };
}

fn append(parent: &Node, part: &View) {
    // Refused is only what holds its own parent.
    let _ = parent.append_child(&part.0);
}

fn listen(element: &web_sys::Element, event: &str, listener: Box<dyn FnMut(Event)>) {
    // It goes with the element: whoever forgets the one forgets the other.
    let listener = Closure::wrap(listener).into_js_value();
    let _ = element.add_event_listener_with_callback(event, listener.unchecked_ref());
}

/// Does something now, and again when what it has read changes, until the surrounding view goes.
fn follow(mut act: Box<dyn FnMut()>) {
    StoredValue::new_local(RenderEffect::new(move |_| act()));
}

fn follow_attribute(
    element: web_sys::Element,
    name: &'static str,
    value: Box<dyn Fn() -> Option<String>>,
) {
    let mut last = None;
    follow(Box::new(move || {
        let value = value();
        // Screen readers are told of what is set, whether it is news or not.
        if value != last {
            set_attribute(&element, name, value.as_deref());
            last = value;
        }
    }));
}

/// A text that is said anew when it is another.
pub(crate) fn live_text<T: Into<String>>(words: impl Fn() -> T + 'static) -> View {
    follow_text(Box::new(move || words().into()))
}

fn follow_text(words: Box<dyn Fn() -> String>) -> View {
    let text = document().create_text_node("");
    let node = text.clone();
    let mut last = String::new();
    follow(Box::new(move || {
        let words = words();
        if words != last {
            text.set_data(&words);
            last = words;
        }
    }));
    View(node.into())
}

/// A part that is made anew when something changes that `draw` itself reads, and not only what it draws.
pub(crate) fn live<V: Into<View>>(draw: impl Fn() -> V + 'static) -> View {
    follow_view(Box::new(move || draw().into()))
}

fn follow_view(draw: Box<dyn Fn() -> View>) -> View {
    // What is drawn stands between these two.
    let (before, after) = (mark(), mark());
    let whole = View::nothing();
    append(&whole.0, &View(before.clone().into()));
    append(&whole.0, &View(after.clone().into()));
    follow(Box::new(move || {
        let drawn = draw();
        let Some(parent) = after.parent_node() else { return };
        while let Some(old) = before.next_sibling().filter(|old| !old.is_same_node(Some(&after))) {
            let _ = parent.remove_child(&old);
        }
        let _ = parent.insert_before(&drawn.0, Some(&after));
    }));
    whole
}

fn mark() -> Text {
    document().create_text_node("")
}

/// Puts a view at the end of the page.
pub(crate) fn mount(view: impl Into<View>) {
    if let Some(body) = document().body() {
        append(&body, &view.into());
    }
}

impl View {
    /// A view that shows nothing.
    pub(crate) fn nothing() -> Self {
        Self(document().create_document_fragment().into())
    }

    fn of(parts: &mut dyn Iterator<Item = View>) -> Self {
        let whole = Self::nothing();
        for part in parts {
            append(&whole.0, &part);
        }
        whole
    }
}

impl From<Element> for View {
    fn from(element: Element) -> Self {
        Self(element.0.into())
    }
}

impl From<&str> for View {
    fn from(text: &str) -> Self {
        Self(document().create_text_node(text).into())
    }
}

impl From<String> for View {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl<T: Into<View>> From<Option<T>> for View {
    fn from(part: Option<T>) -> Self {
        part.map_or_else(Self::nothing, Into::into)
    }
}

impl<T: Into<View>> From<Vec<T>> for View {
    fn from(parts: Vec<T>) -> Self {
        Self::of(&mut parts.into_iter().map(Into::into))
    }
}

impl<T: Into<View>, const N: usize> From<[T; N]> for View {
    fn from(parts: [T; N]) -> Self {
        Self::of(&mut parts.into_iter().map(Into::into))
    }
}
