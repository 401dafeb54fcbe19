//! Sums in `FHIRPath`: as much of the language as forms use to add up a total score, and nothing else.
//!
//! ```text
//! sum   := term ("+" term)*
//! term  := "(" sum ")" | "iif(" exists "," sum "," ("0" | "{}") ")" | "%" variable | answers
//! exists := one or more of  "%" variable | term ".exists()" , joined by "or" or "and"
//! answers := "%resource" steps ".answer" (".value" type?)? worth? all?
//!          | "%questionnaire" steps ".answerOption.where(valueCoding.code=" answers' code ")" worth
//! steps := one or more of  ".item" | ".descendants()" | ".repeat(item)" | ".where(" which ")"
//! which := ("linkId" ("=" | "!=") text | "linkId.startsWith(" text ")" | "linkId in (" text ("|" text)* ")"), joined by "or"
//! worth := ".ordinal()" | ".weight()" | ".extension.where(url=" (text | "%" variable) ").value"
//! all   := ".sum()" | ".aggregate($this + $total, 0)"
//! ```

use std::collections::BTreeSet;

use wardsum_protocol::form::ITEMS_MAX;

use super::Variables;
use super::element::extension;
use crate::questionnaires::tree::Node;

/// How many terms, steps and ids of items are followed in all calculations of a file together.
pub(super) const EFFORT_MAX: usize = 20_000;

/// How deep brackets and variables may stand in one another.
const DEPTH_MAX: usize = 12;

/// The most steps of a path.
const STEPS_MAX: usize = 32;

/// An answer in a sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Summand<'n> {
    pub(super) link_id: &'n str,
    /// Whether it is what the chosen option is worth that is added, and not the answer itself.
    pub(super) worth: bool,
    /// Whether it is one of whatever was there, so that what has no value adds nothing.
    pub(super) among: bool,
}

/// What `expression` adds up; `None` if it is not a sum of answers, or takes more than what is left of the `effort`.
pub(super) fn summands<'n>(
    expression: &str,
    variables: &Variables<'_>,
    root: &'n Node<'_>,
    effort: &mut usize,
) -> Option<Vec<Summand<'n>>> {
    let expression = without_spaces(expression);
    let mut parser = Parser { root, variables, left: *effort, depth: 0, rest: &expression };
    let sum = parser.sum().filter(|_| parser.rest.is_empty());
    *effort = parser.left;
    sum
}

/// The expression without spaces, except in texts.
pub(super) fn without_spaces(expression: &str) -> String {
    let mut quote = None;
    let keep = |character: &char| {
        match quote {
            Some(open) if open == *character => quote = None,
            None if matches!(character, '\'' | '"') => quote = Some(*character),
            _ => {}
        }
        quote.is_some() || !character.is_whitespace()
    };
    expression.chars().filter(keep).collect()
}

struct Parser<'e, 'n, 'a> {
    root: &'n Node<'a>,
    variables: &'e Variables<'e>,
    left: usize,
    depth: usize,
    rest: &'e str,
}

impl<'e, 'n, 'a> Parser<'e, 'n, 'a> {
    fn eat(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(token)?;
        Some(())
    }

    /// Whether what comes next is `token`, which is then taken.
    fn at(&mut self, token: &str) -> bool {
        self.eat(token).is_some()
    }

    fn text(&mut self) -> Option<&'e str> {
        let quote = self.rest.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        let (text, rest) = self.rest[1..].split_once(quote)?;
        self.rest = rest;
        // An escape may hide the end of a text.
        (!text.contains('\\')).then_some(text)
    }

    fn name(&mut self) -> Option<&'e str> {
        let end = |character: char| !(character.is_ascii_alphanumeric() || character == '_');
        let (name, rest) = self.rest.split_at(self.rest.find(end).unwrap_or(self.rest.len()));
        self.rest = rest;
        (!name.is_empty()).then_some(name)
    }

    /// Spends some of the effort that is left.
    fn effort(&mut self) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        Some(())
    }

    fn sum(&mut self) -> Option<Vec<Summand<'n>>> {
        let mut sum = self.term()?;
        while self.at("+") {
            sum.extend(self.term()?);
        }
        Some(sum)
    }

    /// Goes one deeper: into brackets, a condition or a variable.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.depth += 1;
        let read = (self.depth <= DEPTH_MAX).then(|| read(self)).flatten();
        self.depth -= 1;
        read
    }

    fn term(&mut self) -> Option<Vec<Summand<'n>>> {
        self.effort()?;
        if self.at("(") {
            let sum = self.deeper(Self::sum)?;
            self.eat(")")?;
            return Some(sum);
        }
        if self.at("iif(") {
            return self.deeper(Self::if_there);
        }
        if self.rest.starts_with("%resource.") || self.rest.starts_with("%questionnaire.") {
            return self.answers();
        }
        self.eat("%")?;
        let name = self.name()?;
        self.variable(name, Self::sum)
    }

    /// What a variable is, read as a whole.
    fn variable<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let variables = self.variables;
        let after = core::mem::replace(&mut self.rest, variables.get(name)?);
        let value = self.deeper(read).filter(|_| self.rest.is_empty());
        self.rest = after;
        value
    }

    /// A sum that is nothing if some of what it adds up was not answered.
    fn if_there(&mut self) -> Option<Vec<Summand<'n>>> {
        let needed = self.exists()?;
        self.eat(",")?;
        let sum = self.sum()?;
        if !(self.at(",0)") || self.at(",{})")) {
            return None;
        }
        let added: BTreeSet<&str> = sum.iter().map(|summand| summand.link_id).collect();
        needed.iter().all(|summand| added.contains(summand.link_id)).then_some(sum)
    }

    /// What has to be answered.
    fn exists(&mut self) -> Option<Vec<Summand<'n>>> {
        let mut needed = Vec::new();
        loop {
            self.effort()?;
            let before = self.rest;
            let answers = self.deeper(Self::term).filter(|_| self.at(".exists()"));
            let of_this = if let Some(answers) = answers {
                answers
            } else {
                // A variable that says by itself whether something was answered.
                self.rest = before;
                self.eat("%")?;
                let name = self.name()?;
                self.variable(name, Self::exists)?
            };
            needed.extend(of_this);
            if !(self.at("or") || self.at("and")) {
                return Some(needed);
            }
        }
    }

    fn answers(&mut self) -> Option<Vec<Summand<'n>>> {
        if self.at("%questionnaire") {
            let items = self.steps()?;
            self.eat(".answerOption.where(valueCoding.code=%resource")?;
            let answered = self.steps()?;
            self.eat(".answer.valueCoding.code)")?;
            if !self.worth() || items.len() != 1 || link_ids(&items).ne(link_ids(&answered)) {
                return None;
            }
            return Some(
                link_ids(&items)
                    .map(|link_id| Summand { link_id, worth: true, among: false })
                    .collect(),
            );
        }
        self.eat("%resource")?;
        let items = self.steps()?;
        self.eat(".answer")?;
        let value = self.at(".value");
        if value {
            let types = ["Coding", "Integer", "Decimal", "Quantity.value"];
            let _ = types.into_iter().any(|name| self.at(name));
        }
        let worth = self.worth();
        let among = self.at(".sum()")
            || self.at(".aggregate($this+$total,0)")
            || self.at(".aggregate($total+$this,0)");
        if !(value || worth) || items.is_empty() || (items.len() > 1 && !among) {
            return None;
        }
        Some(link_ids(&items).map(|link_id| Summand { link_id, worth, among }).collect())
    }

    /// The items that the steps of a path lead to.
    fn steps(&mut self) -> Option<Vec<&'n Node<'a>>> {
        let mut nodes = vec![self.root];
        let mut steps = 0;
        loop {
            self.effort()?;
            if self.at(".repeat(item)") || self.at(".descendants()") {
                nodes = nodes.into_iter().flat_map(descendants).collect();
            } else if self.at(".item") {
                let children =
                    |node: &'n Node<'a>| node.entry("item").map(Node::elements).unwrap_or_default();
                nodes = nodes.into_iter().flat_map(children).collect();
            } else if self.at(".where(") {
                let which = self.which()?;
                nodes.retain(|node| {
                    let link_id = node.entry("linkId").and_then(Node::as_text);
                    link_id.is_some_and(|link_id| which.iter().any(|which| which.is(link_id)))
                });
            } else {
                return (steps > 0).then_some(nodes);
            }
            steps += 1;
            // No set of items is larger than all of them.
            if nodes.len() > ITEMS_MAX || steps > STEPS_MAX {
                return None;
            }
        }
    }

    fn which(&mut self) -> Option<Vec<Which<'e>>> {
        let mut which = Vec::new();
        loop {
            self.effort()?;
            self.eat("linkId")?;
            if self.at("=") {
                which.push(Which::Is(self.text()?));
            } else if self.at("!=") {
                which.push(Which::IsNot(self.text()?));
            } else if self.at(".startsWith(") {
                which.push(Which::StartsWith(self.text()?));
                self.eat(")")?;
            } else {
                self.eat("in(")?;
                which.push(Which::Is(self.text()?));
                while self.at("|") {
                    self.effort()?;
                    which.push(Which::Is(self.text()?));
                }
                self.eat(")")?;
            }
            if self.at(")") {
                return Some(which);
            }
            self.eat("or")?;
        }
    }

    /// Whether what follows is what an option is worth, which is then taken.
    fn worth(&mut self) -> bool {
        let before = self.rest;
        let worth = self.at(".ordinal()") || self.at(".weight()") || self.extension().is_some();
        if !worth {
            self.rest = before;
        }
        worth
    }

    /// The value of an extension that says what an option is worth.
    fn extension(&mut self) -> Option<()> {
        self.eat(".extension.where(url=")?;
        let url = if self.at("%") {
            let name = self.name()?;
            self.variable(name, Self::text)?
        } else {
            self.text()?
        };
        self.eat(").value")?;
        let _ = self.at("Decimal");
        [extension::ORDINAL_VALUE, extension::ITEM_WEIGHT].contains(&url).then_some(())
    }
}

/// Which items a condition is true of.
enum Which<'e> {
    Is(&'e str),
    IsNot(&'e str),
    StartsWith(&'e str),
}

impl Which<'_> {
    fn is(&self, link_id: &str) -> bool {
        match self {
            Self::Is(text) => link_id == *text,
            Self::IsNot(text) => link_id != *text,
            Self::StartsWith(text) => link_id.starts_with(text),
        }
    }
}

fn link_ids<'n>(nodes: &[&'n Node<'_>]) -> impl Iterator<Item = &'n str> {
    nodes.iter().filter_map(|node| node.entry("linkId")?.as_text())
}

/// All items in an item, groups included.
pub(super) fn descendants<'n, 'a>(node: &'n Node<'a>) -> Vec<&'n Node<'a>> {
    let items = node.entry("item").map(Node::elements).unwrap_or_default();
    items.iter().flat_map(|item| [item].into_iter().chain(descendants(item))).collect()
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::questionnaires::problem::Problems;
    use crate::questionnaires::tree::from_json;

    const FORM: &str = r#"{"item": [{"linkId": "g", "item": [{"linkId": "/a-1"}, {"linkId": "/a-2"}]}, {"linkId": "b"}]}"#;

    /// What is added up, with the marks `w` for worth and `*` for whatever was there.
    fn sum(expression: &str, variables: &[(&'static str, &'static str)]) -> Option<String> {
        let root = from_json(FORM, &mut Problems::new(FORM)).unwrap();
        let stripped =
            |(name, path): &(&'static str, &'static str)| (*name, Rc::from(without_spaces(path)));
        let variables = variables.iter().map(stripped).collect();
        let shown = |summand: &Summand| {
            let worth = if summand.worth { "w" } else { "" };
            format!("{}{worth}{}", summand.link_id, if summand.among { "*" } else { "" })
        };
        let summands = summands(expression, &variables, &root, &mut EFFORT_MAX.clone())?;
        Some(summands.iter().map(shown).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn sums_as_forms_write_them_are_understood() {
        let in_group =
            "%resource.item.where(linkId='g').item.where(linkId = '/a-1').answer.value.ordinal()";
        assert_eq!(sum(in_group, &[]).unwrap(), "/a-1w");
        let all =
            "%resource.descendants().where(linkId.startsWith('/a')).answer.value.weight().sum()";
        assert_eq!(sum(all, &[]).unwrap(), "/a-1w* /a-2w*");
        let listed = "%resource.repeat(item).where(linkId in ('/a-1' | 'b')).answer.valueInteger.aggregate($total + $this, 0)";
        assert_eq!(sum(listed, &[]).unwrap(), "/a-1* b*");
        let either = "(%resource.item.where(linkId='b' or linkId='x').answer.valueDecimal)";
        assert_eq!(sum(either, &[]).unwrap(), "b");
        let others = "%resource.repeat(item).where(linkId != 'b').answer.weight().sum()";
        assert_eq!(sum(others, &[]).unwrap(), "gw* /a-1w* /a-2w*");
        let named = "%resource.item.where(linkId='b').answer.value.extension.where(url = %u).value";
        let url = "'http://hl7.org/fhir/StructureDefinition/itemWeight'";
        assert_eq!(sum(named, &[("u", url)]).unwrap(), "bw");
        assert_eq!(sum(named, &[("u", "'http://example.org'")]), None);
        let extension = "%resource.item.where(linkId='b').answer.valueCoding\
            .extension.where(url='http://hl7.org/fhir/StructureDefinition/ordinalValue').valueDecimal";
        assert_eq!(sum(extension, &[]).unwrap(), "bw");
    }

    #[test]
    fn what_a_rule_editor_writes_is_understood() {
        const A: &str = "%questionnaire.item.where(linkId = 'b').answerOption.where(valueCoding.code=%resource.item\
            .where(linkId = 'b').answer.valueCoding.code).extension\
            .where(url='http://hl7.org/fhir/StructureDefinition/ordinalValue').valueDecimal";
        const B: &str = "%resource.item.item.where(linkId='/a-2').answer.value.ordinal()";
        let variables =
            [("a", A), ("b", B), ("any_questions_answered", "%a.exists() or %b.exists()")];
        let total =
            "iif(%any_questions_answered, iif(%a.exists(), %a, 0) + iif(%b.exists(), %b, 0), {})";
        assert_eq!(sum(total, &variables).unwrap(), "bw /a-2w");
        assert_eq!(
            sum("iif(%any_questions_answered, %a, {})", &variables),
            None,
            "b is not added up"
        );
    }

    #[test]
    fn what_is_no_plain_sum_is_none() {
        let variables =
            [("a", "%a + %a"), ("b", "%c+%c+%c+%c"), ("c", "%d+%d+%d+%d"), ("d", "%b+%b")];
        for expression in [
            "",
            "1",
            "%a",
            "%b",
            "%unknown",
            "%resource",
            "%resource.answer.value",
            "%resource.item.answer.value",
            "%resource.item.where(linkId='x').answer.value",
            "%resource.item.where(linkId='b').answer",
            "%resource.item.where(linkId='b').answer.value * 2",
            "%resource.item.where(linkId='b').answer.value / 2",
            "%resource.item.where(linkId='b').answer.value - 1",
            "%resource.item.where(linkId='b').answer.value.round(1)",
            "%resource.item.where(linkId.matches('b')).answer.value.sum()",
            "%resource.item.where(linkId='b\\'').answer.value",
            "%resource.item.where(linkId='b",
            "iif(%resource.item.where(linkId='b').answer.value > 3, 1, 0)",
            "%questionnaire.item.where(linkId='b').answerOption.where(valueCoding.code=%resource.item.where(linkId='g')\
             .answer.valueCoding.code).ordinal()",
        ] {
            assert_eq!(sum(expression, &variables), None, "{expression}");
        }
        assert_eq!(sum(&"(".repeat(100_000), &variables), None);
        assert_eq!(sum(&"iif(".repeat(100_000), &variables), None);
    }
}
