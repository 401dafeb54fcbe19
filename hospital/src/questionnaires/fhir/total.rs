//! Items that are calculated: total scores, and nothing else.

use super::element::{Element, extension, value_of};
use super::path::{Summand, descendants, summands};
use super::{Reader, Total};
use crate::questionnaires::draft::{DraftItem, DraftKind, DraftScore, DraftTerm, Named};
use crate::questionnaires::problem::quoted;
use crate::questionnaires::tree::Node;

/// The unit that a score has in UCUM.
const SCORE_UNIT: &str = "{score}";

/// Whether an item of this type is calculated, and not answered.
pub(super) fn is_total(element: &Element, kind: &str) -> bool {
    let number = matches!(kind, "integer" | "decimal" | "quantity");
    number
        && (element.extension(extension::CALCULATED).is_some()
            || element.flag("readOnly")
            || has_score_unit(element))
}

fn has_score_unit(element: &Element) -> bool {
    let unit = element.extension(extension::UNIT).and_then(value_of);
    let is =
        |key| unit.and_then(|unit| unit.entry(key)).and_then(Node::as_text) == Some(SCORE_UNIT);
    is("code") || is("display")
}

impl<'n, 'a> Reader<'n, 'a, '_, '_> {
    pub(super) fn total(&mut self, total: &Total<'n, 'a>) {
        let element = &total.element;
        let place = element.place.clone();
        self.condition(element);
        if element.node.entry("initial").is_some() {
            self.problems.report(&place.part("initial"), super::question::PREFILLED);
        }
        let id = self.string(element, "linkId").unwrap_or_default().to_owned();
        if id.is_empty() {
            self.problems.report(&place, "there is no linkId; give it one");
        }
        let terms = match element.extension(extension::CALCULATED) {
            Some(node) => self.calculated(total, node),
            None => self.implied(total),
        };
        let title = self.prefixed(element);
        let Some(terms) = terms else { return };
        let id = Named { place: place.clone(), id };
        let code = self.code(element);
        self.draft.scores.push(DraftScore { place, id, code, title, terms, distribution: false });
    }

    /// What a calculation adds up.
    fn calculated(&mut self, total: &Total<'n, 'a>, node: &'n Node<'a>) -> Option<Vec<DraftTerm>> {
        let place = total.element.place.part("calculatedExpression").at(node.at);
        let field = |key| node.entry("valueExpression")?.entry(key)?.as_text();
        if field("language") != Some("text/fhirpath") {
            self.problems.report(&place, "only expressions in text/fhirpath are understood");
            return None;
        }
        let expression = field("expression").unwrap_or_default();
        let Some(summands) = summands(expression, &total.variables, self.root, &mut self.effort)
        else {
            let message = format!(
                "{} is not understood as a plain sum of answers, and nothing else is calculated here; write it as a sum \
                 of `%resource.item.where(linkId='…').answer.value.ordinal()`, or remove this item",
                quoted(expression)
            );
            self.problems.report(&place, message);
            return None;
        };
        let own = total.element.node.entry("linkId").and_then(Node::as_text);
        let mut terms: Vec<DraftTerm> = Vec::new();
        for summand in summands.iter().filter(|summand| Some(summand.link_id) != own) {
            let reason = match self.adds(summand) {
                Adds::Value => {
                    let item = Named { place: place.clone(), id: summand.link_id.to_owned() };
                    match terms.iter_mut().find(|term| term.item.id == item.id) {
                        Some(term) => term.weight = term.weight.saturating_add(1),
                        None => terms.push(DraftTerm { item, weight: 1 }),
                    }
                    continue;
                }
                Adds::Nothing => continue,
                Adds::Unknown(reason) => reason,
            };
            let message = format!("item {} cannot be added up: {reason}", quoted(summand.link_id));
            self.problems.report(&place, message);
            return None;
        }
        Some(terms)
    }

    fn item(&self, link_id: &str) -> Option<&DraftItem> {
        let mut items = self.draft.sections.iter().flat_map(|section| &section.items);
        items.find(|item| item.id.id == link_id)
    }

    /// What an answer adds to a calculated sum.
    fn adds(&self, summand: &Summand) -> Adds {
        let otherwise = |reason| if summand.among { Adds::Nothing } else { Adds::Unknown(reason) };
        let Some(item) = self.item(summand.link_id) else {
            return otherwise("it is not answered");
        };
        match (&item.kind, summand.worth) {
            // That one cannot be asked is told already.
            (None, _) | (Some(DraftKind::Number { .. } | DraftKind::Scale { .. }), false) => {
                Adds::Value
            }
            (Some(DraftKind::Choice(options) | DraftKind::Choices { options, .. }), worth) => {
                let valued = options.iter().any(|option| option.value.is_some());
                match (valued, worth) {
                    (true, true) => Adds::Value,
                    (_, false) => {
                        Adds::Unknown("the options are no numbers; add up their `ordinal()`")
                    }
                    (false, true) => otherwise("its options have no ordinalValue"),
                }
            }
            (Some(DraftKind::Number { .. } | DraftKind::Scale { .. }), true) => {
                otherwise("a number has no ordinalValue; add up the number itself")
            }
            (Some(DraftKind::YesNo), _) => otherwise("yes and no are no numbers in FHIR"),
        }
    }

    /// What a total adds up that says only that it is one: the scored choices beside it.
    fn implied(&mut self, total: &Total<'n, 'a>) -> Option<Vec<DraftTerm>> {
        let element = &total.element;
        let named = |text: &str| {
            let text = text.to_lowercase();
            text.contains("score") || text.contains("total")
        };
        let code = element.list("code").iter().filter_map(|code| code.entry("display")?.as_text());
        let text = element.node.entry("text").and_then(Node::as_text);
        if !has_score_unit(element) && !code.chain(text).any(named) {
            let message = "this number is read-only and says neither how it is calculated nor that it is a score; give it a \
                calculatedExpression, or remove it";
            self.problems.report(&element.place, message);
            return None;
        }
        let others = total.siblings.iter().enumerate().filter(|(position, node)| {
            let kind = node.entry("type").and_then(Node::as_text).unwrap_or_default();
            let other = Element::new(node, &element.place);
            let implied = other.extension(extension::CALCULATED).is_none();
            *position != total.position && implied && is_total(&other, kind)
        });
        if others.count() > 0 {
            let message = "there are several total scores beside one another, and none says what it is the sum of; give each \
                a calculatedExpression";
            self.problems.report(&element.place, message);
            return None;
        }
        let scored = |nodes: &'n [Node<'a>]| {
            let nodes = nodes.iter().flat_map(|node| [node].into_iter().chain(descendants(node)));
            let link_ids = nodes.filter_map(|node| node.entry("linkId")?.as_text());
            link_ids.filter(|link_id| self.is_scored(link_id)).collect::<Vec<_>>()
        };
        let mut link_ids = scored(&total.siblings[..total.position]);
        if link_ids.is_empty() {
            link_ids = scored(&total.siblings[total.position + 1..]);
        }
        if link_ids.is_empty() {
            let message = "this is a total score, but no choice beside it has an ordinalValue; give the options their \
                values, or remove this item";
            self.problems.report(&element.place, message);
            return None;
        }
        let item = |link_id: &str| Named { place: element.place.clone(), id: link_id.to_owned() };
        Some(
            link_ids
                .into_iter()
                .map(|link_id| DraftTerm { item: item(link_id), weight: 1 })
                .collect(),
        )
    }

    /// Whether an item is a choice of which options are worth something. One that cannot be asked may be.
    fn is_scored(&self, link_id: &str) -> bool {
        self.item(link_id).is_some_and(|item| match &item.kind {
            None => true,
            Some(DraftKind::Choice(options)) => options.iter().any(|option| option.value.is_some()),
            Some(_) => false,
        })
    }
}

enum Adds {
    Value,
    /// Nothing, as `FHIRPath` has it.
    Nothing,
    /// Something that no sum can have, and why.
    Unknown(&'static str),
}
