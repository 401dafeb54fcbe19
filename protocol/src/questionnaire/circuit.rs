//! The circuit that is zero for valid answers only.
//!
//! Its one gadget is `g(x) = x^2 - x`, called for every bit, where it has to be zero, and wherever a product is needed:
//! `x^2 = g(x) + x`, and `2xy = g(x + y) - g(x) - g(y)`, of which `g(y)` is zero for a bit. A second gadget that
//! multiplies would have two wires and would double what members send about each answer.

use prio::field::FieldElement;

use super::form::Form;
use crate::field::{Field, SecretVector};

/// What has to hold of an encoded answer: of its first elements, that they are bits, of those behind them, that they
/// are certain products, and some more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Circuit {
    bits: usize,
    products: Vec<Product>,
    /// What the gadget is called for besides the bits.
    calls: Vec<Form>,
    /// What has to be zero besides the gadget's values for the bits.
    checks: Vec<Check>,
}

/// A product of two sums, the second of which is a bit or the same as the first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Product {
    x: Form,
    y: Form,
}

/// A weighted sum over values of the gadget and over elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// Numbers of calls, counted from the first bit on, and their weights.
    calls: Vec<(usize, Field)>,
    form: Form,
}

impl Check {
    /// What it comes to, where the gadget's values and the elements are these; for `part` see [`Form::of`].
    pub(crate) fn of(
        &self,
        gadget: impl Fn(usize) -> Field,
        input: &[Field],
        part: Field,
    ) -> Field {
        let calls = self.calls.iter().map(|(call, weight)| gadget(*call) * *weight);
        calls.fold(self.form.of(input, part), |sum, term| sum + term)
    }
}

impl Circuit {
    /// The circuit of an answer that begins with so many bits.
    pub(crate) fn new(bits: usize) -> Self {
        Self { bits, products: Vec::new(), calls: Vec::new(), checks: Vec::new() }
    }

    /// How many elements an answer has.
    pub(crate) fn input_len(&self) -> usize {
        self.bits + self.products.len()
    }

    /// How many of them, from the first on, are bits.
    pub(crate) fn bits(&self) -> usize {
        self.bits
    }

    /// What the gadget is called for behind the bits.
    pub(crate) fn calls(&self) -> &[Form] {
        &self.calls
    }

    /// How often the gadget is called.
    pub(crate) fn calls_len(&self) -> usize {
        self.bits + self.calls.len()
    }

    /// What has to be zero besides the gadget's values for the bits.
    pub(crate) fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// Fills in the products, once the bits of `input` are set.
    pub(crate) fn multiply(&self, input: &mut SecretVector) {
        for (position, product) in (self.bits..).zip(&self.products) {
            let value = product.x.of_answer(input) * product.y.of_answer(input);
            input.add_at(position, value);
        }
    }

    /// `form` has to be zero.
    pub(crate) fn is_zero(&mut self, form: Form) {
        self.checks.push(Check { calls: Vec::new(), form });
    }

    /// `form` has to be a bit.
    pub(crate) fn is_bit(&mut self, form: Form) {
        let calls = vec![(self.call(form), Field::one())];
        self.checks.push(Check { calls, form: Form::zero() });
    }

    /// One of the two has to be zero, the second of which is a bit.
    pub(crate) fn excludes(&mut self, x: &Form, bit: &Form) {
        let check = self.doubled(x, bit);
        self.checks.push(check);
    }

    /// Another element, the product of these two, the second of which is a bit.
    pub(crate) fn product(&mut self, x: &Form, bit: &Form) -> Form {
        let mut check = self.doubled(x, bit);
        let element = self.element(x.clone(), bit.clone());
        let two = Field::one() + Field::one();
        check.form = check.form - &element.clone().scaled(two);
        self.checks.push(check);
        element
    }

    /// Another element, the square of this.
    pub(crate) fn square(&mut self, x: &Form) -> Form {
        let calls = vec![(self.call(x.clone()), Field::one())];
        let element = self.element(x.clone(), x.clone());
        self.checks.push(Check { calls, form: x.clone() - &element });
        element
    }

    /// Twice the product of these two, the second of which is a bit.
    fn doubled(&mut self, x: &Form, bit: &Form) -> Check {
        let mut calls = vec![(self.call(x.clone() + bit), Field::one())];
        if !self.is_known_bit(x) {
            calls.push((self.call(x.clone()), -Field::one()));
        }
        Check { calls, form: Form::zero() }
    }

    fn element(&mut self, x: Form, y: Form) -> Form {
        self.products.push(Product { x, y });
        Form::element(self.input_len() - 1)
    }

    fn is_known_bit(&self, form: &Form) -> bool {
        form.as_element().is_some_and(|position| position < self.bits)
    }

    /// The number of the call for this; what was called for before is not called for again.
    fn call(&mut self, form: Form) -> usize {
        if let Some(position) = form.as_element().filter(|position| *position < self.bits) {
            return position;
        }
        let known = self.calls.iter().position(|call| *call == form);
        self.bits
            + known.unwrap_or_else(|| {
                self.calls.push(form);
                self.calls.len() - 1
            })
    }
}
