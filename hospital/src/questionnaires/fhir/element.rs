//! Elements of FHIR: their texts with translations, their codes, their extensions.

use wardsum_protocol::form::Language;

use super::Reader;
use crate::questionnaires::decimal::Decimal;
use crate::questionnaires::draft::DraftCoding;
use crate::questionnaires::problem::{Place, quoted};
use crate::questionnaires::tree::{Node, Value};
use crate::questionnaires::words::Words;

/// The addresses of extensions that say what is asked.
pub(super) mod extension {
    /// Of a text in another language.
    pub(in super::super) const TRANSLATION: &str =
        "http://hl7.org/fhir/StructureDefinition/translation";
    /// A named expression of `FHIRPath`.
    pub(in super::super) const VARIABLE: &str = "http://hl7.org/fhir/StructureDefinition/variable";
    /// What an answer is worth, in R4 and from R5 on.
    pub(in super::super) const ORDINAL_VALUE: &str =
        "http://hl7.org/fhir/StructureDefinition/ordinalValue";
    pub(in super::super) const ITEM_WEIGHT: &str =
        "http://hl7.org/fhir/StructureDefinition/itemWeight";
    pub(in super::super) const MIN_VALUE: &str = "http://hl7.org/fhir/StructureDefinition/minValue";
    pub(in super::super) const MAX_VALUE: &str = "http://hl7.org/fhir/StructureDefinition/maxValue";
    pub(in super::super) const MIN_QUANTITY: &str =
        "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-minQuantity";
    pub(in super::super) const MAX_QUANTITY: &str =
        "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-maxQuantity";
    pub(in super::super) const MAX_DECIMAL_PLACES: &str =
        "http://hl7.org/fhir/StructureDefinition/maxDecimalPlaces";
    pub(in super::super) const SLIDER_STEP: &str =
        "http://hl7.org/fhir/StructureDefinition/questionnaire-sliderStepValue";
    /// The Danish national one, since the other has no decimals.
    pub(in super::super) const SLIDER_STEP_DECIMAL: &str = "http://ehealth.sundhed.dk/fhir/StructureDefinition/ehealth-questionnaire-sliderStepValueDecimal";
    pub(in super::super) const UNIT: &str =
        "http://hl7.org/fhir/StructureDefinition/questionnaire-unit";
    pub(in super::super) const UNIT_OPTION: &str =
        "http://hl7.org/fhir/StructureDefinition/questionnaire-unitOption";
    pub(in super::super) const MIN_OCCURS: &str =
        "http://hl7.org/fhir/StructureDefinition/questionnaire-minOccurs";
    pub(in super::super) const MAX_OCCURS: &str =
        "http://hl7.org/fhir/StructureDefinition/questionnaire-maxOccurs";
    pub(in super::super) const ITEM_CONTROL: &str =
        "http://hl7.org/fhir/StructureDefinition/questionnaire-itemControl";
    pub(in super::super) const HIDDEN: &str =
        "http://hl7.org/fhir/StructureDefinition/questionnaire-hidden";
    pub(in super::super) const CALCULATED: &str =
        "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression";
}

/// Extensions that change what is asked in a way that cannot be kept, and why.
const REFUSED: [(&str, &str); 10] = [
    (
        "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-enableWhenExpression",
        super::question::CONDITIONAL,
    ),
    (
        "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-initialExpression",
        super::question::PREFILLED,
    ),
    (
        "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-candidateExpression",
        super::question::PREFILLED,
    ),
    (
        "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-answerExpression",
        "its options are calculated while it is answered; list them instead",
    ),
    (
        "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-answerOptionsToggleExpression",
        "its options change while it is answered; list them once for all",
    ),
    (
        "http://hl7.org/fhir/StructureDefinition/questionnaire-constraint",
        "a rule between answers cannot be proven here; remove it",
    ),
    (
        "http://hl7.org/fhir/StructureDefinition/targetConstraint",
        "a rule between answers cannot be proven here; remove it",
    ),
    (
        "http://hl7.org/fhir/StructureDefinition/questionnaire-optionExclusive",
        "an option that excludes the others cannot be proven here; leave it out, and let people choose none",
    ),
    (
        "http://hl7.org/fhir/StructureDefinition/questionnaire-signatureRequired",
        "answers have no names here, so nobody can sign them; remove the signature",
    ),
    (
        "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-questionnaireAdaptive",
        "an adaptive questionnaire asks everybody something else; list its questions instead",
    ),
];

/// An object of FHIR, and where it stands.
#[derive(Clone)]
pub(super) struct Element<'n, 'a> {
    pub(super) node: &'n Node<'a>,
    pub(super) place: Place,
}

impl<'n, 'a> Element<'n, 'a> {
    pub(super) fn new(node: &'n Node<'a>, place: &Place) -> Self {
        Self { node, place: place.clone() }
    }

    /// Its extensions, each with its address.
    pub(super) fn extensions(&self) -> impl Iterator<Item = (&'n str, &'n Node<'a>)> + use<'n, 'a> {
        extensions_of(self.node)
    }

    pub(super) fn extension(&self, url: &str) -> Option<&'n Node<'a>> {
        self.extensions().find(|(other, _)| *other == url).map(|(_, node)| node)
    }

    /// Whether `key` is true.
    pub(super) fn flag(&self, key: &str) -> bool {
        matches!(self.node.entry(key), Some(Node { value: Value::Flag(true), .. }))
    }

    pub(super) fn list(&self, key: &str) -> &'n [Node<'a>] {
        self.node.entry(key).map(Node::elements).unwrap_or_default()
    }

    /// Whether one of its extensions says so.
    pub(super) fn says(&self, url: &str) -> bool {
        let value = self.extension(url).and_then(|node| node.entry("valueBoolean"));
        matches!(value, Some(Node { value: Value::Flag(true), .. }))
    }

    /// Whether it is to be shown by this control, `slider` or `lower` for example.
    pub(super) fn control(&self, code: &str) -> bool {
        let concept = self
            .extension(extension::ITEM_CONTROL)
            .and_then(|node| node.entry("valueCodeableConcept"));
        let codings = concept.and_then(|concept| concept.entry("coding")).map(Node::elements);
        let mut codes =
            codings.unwrap_or_default().iter().filter_map(|coding| coding.entry("code"));
        codes.any(|node| node.as_text() == Some(code))
    }
}

pub(super) fn extensions_of<'n, 'a>(
    node: &'n Node<'a>,
) -> impl Iterator<Item = (&'n str, &'n Node<'a>)> + use<'n, 'a> {
    let extensions = node.entry("extension").map(Node::elements).unwrap_or_default();
    extensions.iter().filter_map(|node| Some((node.entry("url")?.as_text()?, node)))
}

/// The value of an extension, whatever its type.
pub(super) fn value_of<'n, 'a>(node: &'n Node<'a>) -> Option<&'n Node<'a>> {
    let Value::Table(entries) = &node.value else { return None };
    entries.iter().find(|(key, _)| key.starts_with("value")).map(|(_, node)| node)
}

impl<'n, 'a> Reader<'n, 'a, '_, '_> {
    /// Reports what must be understood and is not.
    pub(super) fn understand(&mut self, element: &Element<'n, 'a>, what: &str) {
        if !element.list("modifierExtension").is_empty() {
            let message = format!(
                "a modifierExtension changes what this {what} means, in a way that is not known here; remove it"
            );
            self.problems.report(&element.place.part("modifierExtension"), message);
        }
        for (url, node) in element.extensions() {
            let denied = matches!(value_of(node), Some(Node { value: Value::Flag(false), .. }));
            if let Some((_, reason)) =
                REFUSED.iter().find(|(refused, _)| *refused == url && !denied)
            {
                let name = url.rsplit('/').next().unwrap_or(url);
                let place = element.place.part(&format!("extension {name}")).at(node.at);
                self.problems.report(&place, *reason);
            }
        }
    }

    /// A text of an element that is no text for people.
    pub(super) fn string(&mut self, element: &Element<'n, 'a>, key: &str) -> Option<&'n str> {
        let node = element.node.entry(key)?;
        let text = node.as_text();
        if text.is_none() {
            let message = format!("this is {}; give a text", node.value.name());
            self.problems.report(&element.place.part(key).at(node.at), message);
        }
        text
    }

    /// A text for people, with its translations.
    pub(super) fn words(&mut self, element: &Element<'n, 'a>, key: &str) -> Words {
        let place = element.place.part(key);
        let Some(text) = self.string(element, key) else {
            let there = element.node.entry(key).is_some();
            return if there { Words::broken(place) } else { Words::none(place) };
        };
        let place = element.node.entry(key).map_or(place.clone(), |node| place.at(node.at));
        let mut words = Words::one(place, &self.language, text);
        if let Some(more) = element.node.entry(&format!("_{key}")) {
            for (_, translation) in
                extensions_of(more).filter(|(url, _)| *url == extension::TRANSLATION)
            {
                let part = |name| {
                    let mut parts = extensions_of(translation).filter(move |(url, _)| *url == name);
                    parts.next().and_then(|(_, node)| value_of(node)).and_then(Node::as_text)
                };
                self.translate(&mut words, translation.at, part("lang"), part("content"));
            }
        }
        words
    }

    /// Adds a translation to a text.
    pub(super) fn translate(
        &mut self,
        words: &mut Words,
        at: usize,
        tag: Option<&str>,
        text: Option<&str>,
    ) {
        let place = words.place.part("translation").at(at);
        let (Some(tag), Some(text)) = (tag, text) else {
            self.problems.report(&place, "a translation has a `lang` and a `content`");
            return;
        };
        let Some(language) = Language::new(tag) else {
            let message = format!("{} is no language; give a tag such as `de`", quoted(tag));
            self.problems.report(&place, message);
            return;
        };
        let tag = language.tag();
        if self.language.is_empty() {
            let message =
                "there are translations, but not the language of the texts; give it as `language`";
            self.problems.report(&place, message);
        } else if words.texts.iter().any(|(other, _)| other == tag) {
            self.problems.report(&place, format!("the text is given in {} twice", quoted(tag)));
        } else {
            words.texts.push((tag.to_owned(), text.to_owned()));
        }
    }

    /// The text of an item with its prefix, such as `1.`, before it.
    pub(super) fn prefixed(&mut self, element: &Element<'n, 'a>) -> Words {
        let mut text = self.words(element, "text");
        if let Some(prefix) = self.string(element, "prefix")
            && !prefix.trim().is_empty()
        {
            for (_, text) in &mut text.texts {
                *text = format!("{} {text}", prefix.trim());
            }
        }
        text
    }

    /// The first code of an item.
    pub(super) fn code(&mut self, item: &Element<'n, 'a>) -> DraftCoding {
        item.list("code").first().map_or_else(DraftCoding::default, |node| {
            self.coding(&Element::new(node, &item.place.part("code").at(node.at)))
        })
    }

    /// System and code of a coding.
    pub(super) fn coding(&mut self, coding: &Element<'n, 'a>) -> DraftCoding {
        DraftCoding {
            place: coding.place.clone(),
            system: self.string(coding, "system").unwrap_or_default().to_owned(),
            code: self.string(coding, "code").unwrap_or_default().to_owned(),
        }
    }

    /// The decimal number that an extension gives; reported if it gives none.
    pub(super) fn number(&mut self, element: &Element<'n, 'a>, url: &str) -> Option<Decimal> {
        let node = element.extension(url)?;
        let name = url.rsplit('/').next().unwrap_or(url);
        let place = element.place.part(name).at(node.at);
        let value = value_of(node);
        // A quantity has its number in it.
        let value = value.and_then(|value| value.entry("value")).or(value);
        let Some(Value::Number(text)) = value.map(|node| &node.value) else {
            self.problems.report(&place, "this extension gives no number; give one as its value");
            return None;
        };
        let number = Decimal::parse(text);
        if number.is_none() {
            let message = format!("{} is no decimal number of up to 38 digits", quoted(text));
            self.problems.report(&place, message);
        }
        number
    }
}
