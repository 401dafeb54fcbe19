//! The options of a choice: in the item itself, or in a value set that the file contains.

use wardsum_protocol::form::Steps;
use wardsum_protocol::questionnaire::INPUT_LEN_MAX;

use super::Reader;
use super::element::{Element, extension, value_of};
use crate::questionnaires::decimal::Decimal;
use crate::questionnaires::draft::{DraftCoding, DraftKind, DraftOption};
use crate::questionnaires::problem::quoted;
use crate::questionnaires::tree::{Node, Value};
use crate::questionnaires::words::Words;

impl<'n, 'a> Reader<'n, 'a, '_, '_> {
    pub(super) fn choice(&mut self, element: &Element<'n, 'a>) -> Option<DraftKind> {
        let before = self.problems.count();
        let several = element.flag("repeats");
        if !several && let Some(steps) = numbers(element.list("answerOption")) {
            let (lowest, highest) = (Words::default(), Words::default());
            return Some(DraftKind::Scale { steps, lowest, highest });
        }
        let options =
            match (element.node.entry("answerOption"), element.node.entry("answerValueSet")) {
                (Some(_), Some(_)) => {
                    self.problems.report(
                        &element.place,
                        "there are both answerOption and answerValueSet; keep one",
                    );
                    return None;
                }
                (Some(_), None) => self.listed(element),
                (None, Some(_)) => self.value_set(element)?,
                (None, None) => {
                    let message = "there are no options; list them as answerOption";
                    self.problems.report(&element.place.part("answerOption"), message);
                    return None;
                }
            };
        if self.problems.count() > before {
            return None;
        }
        if !several {
            return Some(DraftKind::Choice(options));
        }
        let all = u16::try_from(options.len()).unwrap_or(u16::MAX);
        let at_most = match self.number(element, extension::MAX_OCCURS) {
            Some(most) => {
                let whole =
                    most.whole().and_then(|most| u16::try_from(most).ok()).filter(|most| *most > 0);
                if whole.is_none() {
                    let message = format!(
                        "{most} options cannot be chosen at most; give a whole number from 1 on"
                    );
                    self.problems.report(&element.place.part("questionnaire-maxOccurs"), message);
                }
                whole?.min(all)
            }
            None => all,
        };
        Some(DraftKind::Choices { options, at_most })
    }

    /// Whether there are too many options with `more`, which is then reported. Many items may have one value set, so that a
    /// small file could make a huge form.
    fn too_many(&mut self, more: usize, element: &Element<'n, 'a>) -> bool {
        self.options = self.options.saturating_add(more);
        if self.options > INPUT_LEN_MAX {
            let message = format!(
                "up to here there are {} options; no more than {INPUT_LEN_MAX} fit into an answer",
                self.options
            );
            self.problems.report(&element.place, message);
        }
        self.options > INPUT_LEN_MAX
    }

    fn listed(&mut self, element: &Element<'n, 'a>) -> Vec<DraftOption> {
        let options = element.list("answerOption");
        if self.too_many(options.len(), element) {
            return Vec::new();
        }
        let options = (1..).zip(options);
        options.filter_map(|(number, node)| self.option(element, number, node)).collect()
    }

    fn option(
        &mut self,
        element: &Element<'n, 'a>,
        number: usize,
        node: &'n Node<'a>,
    ) -> Option<DraftOption> {
        let place = element.place.part(&format!("answerOption {number}")).at(node.at);
        let option = Element::new(node, &place);
        self.understand(&option, "option");
        if option.flag("initialSelected") {
            let message = "this option is chosen beforehand; here every patient answers on an empty page, so remove it";
            self.problems.report(&place.part("initialSelected"), message);
        }
        if let Some(node) = node.entry("valueCoding") {
            let coding = Element::new(node, &place.part("valueCoding").at(node.at));
            let text = self.display(&coding);
            let value = self.worth(&option).or_else(|| self.worth(&coding));
            return Some(DraftOption { code: self.coding(&coding), text, value });
        }
        if node.entry("valueString").is_some() {
            let text = self.words(&option, "valueString");
            return Some(DraftOption {
                code: DraftCoding::default(),
                text,
                value: self.worth(&option),
            });
        }
        if let Some(number) = node.entry("valueInteger") {
            let Some(whole) = integer(number) else {
                self.problems
                    .report(&place.part("valueInteger"), "this is no whole number that fits");
                return None;
            };
            let text = Words::neutral(place, &whole.to_string());
            let value = self.worth(&option).or(Some(whole));
            return Some(DraftOption { code: DraftCoding::default(), text, value });
        }
        let message = "an option is a valueCoding, a valueString or a valueInteger here";
        self.problems.report(&place, message);
        None
    }

    /// What people read of a coding.
    fn display(&mut self, coding: &Element<'n, 'a>) -> Words {
        let words = self.words(coding, "display");
        if words.is_empty() {
            let message = "this option has no text; give it a display";
            self.problems.report(&coding.place.part("display"), message);
        }
        words
    }

    /// What an option is worth in a score, if that is said; reported if it is no whole number.
    fn worth(&mut self, element: &Element<'n, 'a>) -> Option<i32> {
        let urls = [extension::ORDINAL_VALUE, extension::ITEM_WEIGHT];
        let url = urls.into_iter().find(|url| element.extension(url).is_some())?;
        let number = self.number(element, url)?;
        let value = number.whole().and_then(|whole| i32::try_from(whole).ok());
        if value.is_none() {
            let message = format!(
                "it is worth {number}; only whole numbers are added up, so give all options ten times as much"
            );
            self.problems.report(&element.place.part("ordinalValue"), message);
        }
        value
    }

    /// The options of a value set that the file contains.
    fn value_set(&mut self, element: &Element<'n, 'a>) -> Option<Vec<DraftOption>> {
        let place = element.place.part("answerValueSet");
        let reference = self.string(element, "answerValueSet")?;
        // A reference is that of the resource in this file, or the address that it has everywhere, with a version perhaps.
        let url = reference.split_once('|').map_or(reference, |(url, _)| url);
        let (key, id) = reference.strip_prefix('#').map_or(("url", url), |id| ("id", id));
        let contained = self.root.entry("contained").map(Node::elements).unwrap_or_default();
        let mut found =
            contained.iter().filter(|node| node.entry(key).and_then(Node::as_text) == Some(id));
        let Some(set) = found.next() else {
            let message = format!(
                "the value set {} is not in this file, and nothing is fetched; put it into `contained` with its \
                 concepts, or list them as answerOption",
                quoted(reference)
            );
            self.problems.report(&place, message);
            return None;
        };
        if found.next().is_some() {
            self.problems
                .report(&place, format!("the file contains {} twice; keep one", quoted(id)));
            return None;
        }
        if set.entry("resourceType").and_then(Node::as_text) != Some("ValueSet") {
            self.problems.report(&place, format!("{} is not a ValueSet", quoted(id)));
            return None;
        }
        let set = Element::new(set, &place.part(&format!("ValueSet {}", quoted(id))).at(set.at));
        self.understand(&set, "value set");
        match (set.node.entry("expansion"), set.node.entry("compose")) {
            (Some(expansion), _) => self.expansion(&Element::new(expansion, &set.place)),
            (None, Some(compose)) => self.compose(&Element::new(compose, &set.place)),
            (None, None) => {
                let message = "it lists no concepts; give an expansion, or concepts in compose";
                self.problems.report(&set.place, message);
                None
            }
        }
    }

    fn expansion(&mut self, expansion: &Element<'n, 'a>) -> Option<Vec<DraftOption>> {
        let concepts = expansion.list("contains");
        let nested = concepts.iter().any(|node| node.entry("contains").is_some());
        if nested
            || concepts.iter().any(|node| Element::new(node, &expansion.place).flag("abstract"))
        {
            let message = "its concepts stand in one another; list them flatly";
            self.problems.report(&expansion.place, message);
            return None;
        }
        let total = expansion.node.entry("total").and_then(integer);
        if total.is_some_and(|total| usize::try_from(total) != Ok(concepts.len())) {
            let message = "its expansion is only a part of it; expand it whole";
            self.problems.report(&expansion.place, message);
            return None;
        }
        let concepts: Vec<_> = concepts.iter().map(|node| (node, None)).collect();
        self.concepts(&concepts, expansion)
    }

    fn compose(&mut self, compose: &Element<'n, 'a>) -> Option<Vec<DraftOption>> {
        let mut concepts = Vec::new();
        for include in compose.list("include") {
            let lists = include.entry("concept").is_some();
            let more = include.entry("filter").is_some() || include.entry("valueSet").is_some();
            if !lists || more {
                let message = "it takes in a whole code system, a filter or another value set, which is not looked up; \
                    expand it, or list its concepts";
                self.problems.report(&compose.place, message);
                return None;
            }
            let system = include.entry("system").and_then(Node::as_text);
            let listed = include.entry("concept").map(Node::elements).unwrap_or_default();
            concepts.extend(listed.iter().map(|node| (node, system)));
        }
        if compose.node.entry("exclude").is_some() {
            self.problems.report(&compose.place, "it excludes concepts; list those that remain");
            return None;
        }
        self.concepts(&concepts, compose)
    }

    /// Concepts of a value set, each with its system if that does not stand in it.
    fn concepts(
        &mut self,
        concepts: &[(&'n Node<'a>, Option<&str>)],
        set: &Element<'n, 'a>,
    ) -> Option<Vec<DraftOption>> {
        if concepts.is_empty() {
            self.problems.report(&set.place, "it lists no concepts; list them");
            return None;
        }
        if self.too_many(concepts.len(), set) {
            return None;
        }
        let mut options = Vec::with_capacity(concepts.len());
        for (number, (node, system)) in (1..).zip(concepts) {
            let place = set.place.part(&format!("concept {number}")).at(node.at);
            let concept = Element::new(node, &place);
            self.understand(&concept, "concept");
            let mut text = self.display(&concept);
            for designation in concept.list("designation") {
                let field = |key| designation.entry(key).and_then(Node::as_text);
                // A designation without language is a synonym.
                let known =
                    |tag: &str| text.texts.iter().any(|(other, _)| other.eq_ignore_ascii_case(tag));
                if let Some(tag) = field("language").filter(|tag| !known(tag)) {
                    self.translate(&mut text, designation.at, Some(tag), field("value"));
                }
            }
            let mut code = self.coding(&concept);
            if let Some(system) = system {
                (*system).clone_into(&mut code.system);
            }
            options.push(DraftOption { code, text, value: self.worth(&concept) });
        }
        Some(options)
    }
}

/// The scale that options are if they are whole numbers one after the other, with nothing else said of them.
fn numbers(options: &[Node]) -> Option<Steps> {
    let number = |node: &Node| {
        let whole = integer(node.entry("valueInteger")?)?;
        let plain =
            node.entry("initialSelected").is_none() && node.entry("modifierExtension").is_none();
        let same = super::element::extensions_of(node).all(|(url, node)| {
            let worth = url == extension::ORDINAL_VALUE || url == extension::ITEM_WEIGHT;
            worth && value_of(node).and_then(integer) == Some(whole)
        });
        (plain && same).then_some(whole)
    };
    let numbers: Vec<i32> = options.iter().map(number).collect::<Option<_>>()?;
    let (first, last) = (*numbers.first()?, *numbers.last()?);
    let consecutive = numbers.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
    let few = options.len() <= INPUT_LEN_MAX;
    (consecutive && few && first < last).then(|| Steps {
        min: i128::from(first).into(),
        max: i128::from(last).into(),
        step: 1,
        decimals: 0,
    })
}

/// The whole number that a value is.
fn integer(node: &Node) -> Option<i32> {
    let Value::Number(text) = &node.value else { return None };
    i32::try_from(Decimal::parse(text)?.whole()?).ok()
}
