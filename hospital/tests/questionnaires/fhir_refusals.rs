//! Questionnaires of FHIR: what cannot be asked is refused by its linkId, with the reason, and all of it at once.

use serde_json::{Value, json};
use wardsum_hospital::questionnaires::read;

use super::{problems, with_items};

const STRUCTURE: &str = "http://hl7.org/fhir/StructureDefinition/";
const SDC: &str = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-";

fn item(more: &Value) -> Value {
    let mut item =
        json!({ "linkId": "/q-1", "type": "boolean", "text": "Question?", "required": true });
    for (key, value) in more.as_object().expect("an object") {
        item[key] = value.clone();
    }
    item
}

fn extension(name: &str, key: &str, value: &Value) -> Value {
    json!({ "url": format!("{STRUCTURE}{name}"), key: value })
}

/// What is wrong with a resource.
fn refused(resource: &Value) -> Vec<(String, String)> {
    problems("q.json", resource.to_string())
}

/// Checks that an item is refused where it stands, for this reason and no other.
fn refuses(more: &Value, expected: &str) {
    let found = refused(&with_items(&json!([item(more)])));
    assert_eq!(found.len(), 1, "{more}: {found:?}");
    let (place, message) = &found[0];
    assert!(place.starts_with("item linkId \"/q-1\""), "{more}: {place}");
    assert!(message.contains(expected), "{more}: {message}");
}

fn numeric(kind: &str, extensions: &[Value]) -> Value {
    json!({ "type": kind, "extension": extensions })
}

fn choice(options: &Value) -> Value {
    json!({ "type": "choice", "answerOption": options })
}

fn bounds() -> [Value; 2] {
    [
        extension("minValue", "valueInteger", &json!(0)),
        extension("maxValue", "valueInteger", &json!(10)),
    ]
}

#[test]
fn what_cannot_be_added_up_is_refused() {
    for (kind, expected) in [
        ("string", "free text cannot be added up"),
        ("text", "free text cannot be added up"),
        ("open-choice", "an answer of one's own words"),
        ("date", "dates and times"),
        ("dateTime", "dates and times"),
        ("time", "dates and times"),
        ("attachment", "files cannot be added up"),
        ("reference", "links to something else"),
        ("url", "links to something else"),
        ("question", "does not say what is answered"),
        ("coding", "FHIR R5"),
        ("slider", "the type \"slider\" is not known"),
        ("", "there is no type"),
    ] {
        refuses(&json!({ "type": kind }), expected);
    }
}

#[test]
fn conditions_and_prepared_answers_are_refused() {
    let condition = json!([{ "question": "/q-1", "operator": "exists", "answerBoolean": true }]);
    refuses(&json!({ "enableWhen": condition }), "asked only under a condition");
    let url = |name: &str| json!({ "extension": [{ "url": format!("{SDC}{name}"), "valueExpression": {} }] });
    refuses(&url("enableWhenExpression"), "asked only under a condition");
    refuses(&url("initialExpression"), "filled in beforehand");
    refuses(&url("answerExpression"), "its options are calculated");
    refuses(&url("calculatedExpression"), "only numbers are calculated");
    refuses(&json!({ "initial": [{ "valueBoolean": true }] }), "filled in beforehand");
    refuses(
        &choice(&json!([{ "valueString": "a", "initialSelected": true }, { "valueString": "b" }])),
        "chosen beforehand",
    );
    refuses(&json!({ "readOnly": true }), "read-only, so nobody can answer");
    refuses(
        &json!({ "extension": [extension("questionnaire-hidden", "valueBoolean", &json!(true))] }),
        "hidden",
    );
    refuses(
        &json!({ "modifierExtension": [{ "url": "http://example.org/not" }] }),
        "modifierExtension changes",
    );
    refuses(
        &json!({ "extension": [{ "url": format!("{STRUCTURE}questionnaire-constraint") }] }),
        "a rule between answers",
    );
}

#[test]
fn what_is_asked_several_times_is_refused() {
    refuses(&json!({ "repeats": true }), "asked several times");
    let group =
        json!([{ "linkId": "g", "type": "group", "repeats": true, "item": [item(&json!({}))] }]);
    let found = refused(&with_items(&group));
    assert_eq!(found[0].0, "item linkId \"g\", repeats");
    let mut two = choice(&json!([{ "valueString": "a" }, { "valueString": "b" }]));
    two["repeats"] = json!(true);
    two["extension"] = json!([extension("questionnaire-minOccurs", "valueInteger", &json!(2))]);
    refuses(&two, "so many answers cannot be asked for");
    two["extension"] = json!([extension("questionnaire-maxOccurs", "valueInteger", &json!(0))]);
    refuses(&two, "0 options cannot be chosen");
}

#[test]
fn numbers_without_bounds_or_steps_are_refused() {
    let [min, max] = bounds();
    refuses(&numeric("integer", core::slice::from_ref(&max)), "the smallest number is missing");
    refuses(&numeric("integer", core::slice::from_ref(&min)), "the largest number is missing");
    refuses(&numeric("decimal", &[min.clone(), max.clone()]), "how fine the number is");
    refuses(&numeric("quantity", &[min.clone(), max.clone()]), "how fine the number is");
    let both = refused(&with_items(&json!([item(&numeric("quantity", &[]))])));
    assert_eq!(both.len(), 3, "smallest, largest and step: {both:?}");
    let swapped = [
        extension("minValue", "valueInteger", &json!(10)),
        extension("maxValue", "valueInteger", &json!(0)),
    ];
    refuses(&numeric("integer", &swapped), "has to be more than the smallest");
    let odd = extension("questionnaire-sliderStepValue", "valueInteger", &json!(3));
    refuses(&numeric("integer", &[min.clone(), max.clone(), odd]), "multiples of the step 3");
    let words = extension("minValue", "valueString", &json!("none"));
    refuses(&numeric("integer", &[words, max.clone()]), "gives no number");
    let places = extension("maxDecimalPlaces", "valueInteger", &json!(10));
    refuses(
        &numeric("decimal", &[min.clone(), max.clone(), places]),
        "10 decimal places are too many",
    );
    let quantity = |unit: &str| json!({ "value": 1, "code": unit });
    let minimum = json!({ "url": format!("{SDC}minQuantity"), "valueQuantity": quantity("kg") });
    let maximum = json!({ "url": format!("{SDC}maxQuantity"), "valueQuantity": quantity("g") });
    let found = refused(&with_items(&json!([item(&numeric("quantity", &[minimum, maximum]))])));
    assert!(found[0].1.contains("different units: kg, g"), "{found:?}");
    let unit =
        |code: &str| extension("questionnaire-unitOption", "valueCoding", &json!({ "code": code }));
    refuses(&numeric("integer", &[min, max, unit("kg"), unit("g")]), "in several units");
}

#[test]
fn options_that_say_too_little_are_refused() {
    refuses(&json!({ "type": "choice" }), "there are no options");
    refuses(&choice(&json!([{ "valueString": "only" }])), "of 1 options 1 may be chosen");
    refuses(
        &choice(&json!([{ "valueCoding": { "code": "LA1" } }, { "valueString": "b" }])),
        "has no text; give it a display",
    );
    refuses(
        &choice(&json!([{ "valueDate": "2020-01-01" }, { "valueString": "b" }])),
        "a valueCoding, a valueString or a valueInteger",
    );
    refuses(&choice(&json!([{ "valueInteger": 1.5 }, { "valueString": "b" }])), "no whole number");
    let half = json!([extension("ordinalValue", "valueDecimal", &json!(0.5))]);
    refuses(
        &choice(&json!([{ "valueString": "a", "extension": half }, { "valueString": "b" }])),
        "it is worth 0.5",
    );
    let exclusive =
        json!([extension("questionnaire-optionExclusive", "valueBoolean", &json!(true))]);
    refuses(
        &choice(&json!([{ "valueString": "a", "extension": exclusive }, { "valueString": "b" }])),
        "excludes the others",
    );
    refuses(&json!({ "answerOption": [{ "valueString": "a" }] }), "has no options here");
    let both = json!({ "type": "choice", "answerOption": [], "answerValueSet": "#a" });
    refuses(&both, "both answerOption and answerValueSet");
}

#[test]
fn value_sets_that_would_have_to_be_looked_up_are_refused() {
    let with_set = |set: &Value, reference: &str| {
        let mut resource =
            with_items(&json!([item(&json!({ "type": "choice", "answerValueSet": reference }))]));
        resource["contained"] = json!([set]);
        let found = refused(&resource);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].0.starts_with("item linkId \"/q-1\", answerValueSet"), "{found:?}");
        found[0].1.clone()
    };
    let set = |more: &Value| {
        let mut set = json!({ "resourceType": "ValueSet", "id": "set" });
        for (key, value) in more.as_object().expect("an object") {
            set[key] = value.clone();
        }
        set
    };
    let none = set(&json!({}));
    assert!(
        with_set(&none, "http://hl7.org/fhir/ValueSet/yesnodontknow")
            .contains("nothing is fetched")
    );
    assert!(with_set(&none, "#other").contains("\"#other\" is not in this file"));
    assert!(with_set(&none, "#set").contains("it lists no concepts"));
    assert!(
        with_set(&json!({ "resourceType": "CodeSystem", "id": "set" }), "#set")
            .contains("not a ValueSet")
    );
    for compose in [
        json!({ "include": [{ "system": "http://loinc.org" }] }),
        json!({ "include": [{ "valueSet": ["#set"] }] }),
        json!({ "include": [{ "system": "http://loinc.org", "concept": [{ "code": "a", "display": "A" }], "filter": [{}] }] }),
    ] {
        assert!(with_set(&set(&json!({ "compose": compose })), "#set").contains("not looked up"));
    }
    let concepts =
        json!([{ "concept": [{ "code": "a", "display": "A" }, { "code": "b", "display": "B" }] }]);
    let excluding = set(&json!({ "compose": { "include": concepts, "exclude": [{}] } }));
    assert!(with_set(&excluding, "#set").contains("excludes concepts"));
    assert!(
        with_set(&set(&json!({ "compose": { "include": [] } })), "#set")
            .contains("lists no concepts")
    );
    let part =
        json!({ "expansion": { "total": 9, "contains": [{ "code": "a", "display": "A" }] } });
    assert!(with_set(&set(&part), "#set").contains("only a part"));
    let nested =
        json!({ "expansion": { "contains": [{ "code": "a", "display": "A", "contains": [] }] } });
    assert!(with_set(&set(&nested), "#set").contains("stand in one another"));
}

#[test]
fn what_points_at_itself_ends() {
    // The value set takes in itself, the contained resource contains itself, the question waits for itself, and the
    // total adds up itself.
    let set = json!({ "resourceType": "ValueSet", "id": "set", "contained": [{ "id": "set" }],
                      "compose": { "include": [{ "valueSet": ["#set"] }] } });
    let own = "%resource.item.where(linkId='total').answer.value";
    let calculated = json!([
        { "url": format!("{STRUCTURE}variable"), "valueExpression": { "name": "a", "expression": "%a + %b" } },
        { "url": format!("{STRUCTURE}variable"), "valueExpression": { "name": "b", "expression": "%b + %a" } },
        { "url": format!("{SDC}calculatedExpression"),
          "valueExpression": { "language": "text/fhirpath", "expression": format!("%a + {own}") } },
    ]);
    let mut resource = with_items(&json!([
        item(&json!({ "type": "choice", "answerValueSet": "#set", "enableWhen": [{ "question": "/q-1" }] })),
        { "linkId": "total", "type": "decimal", "text": "Total", "readOnly": true, "extension": calculated },
    ]));
    resource["contained"] = json!([set]);
    let places: Vec<String> = refused(&resource).into_iter().map(|(place, _)| place).collect();
    assert_eq!(
        places,
        [
            "item linkId \"/q-1\", enableWhen",
            "item linkId \"/q-1\", answerValueSet, ValueSet \"set\"",
            "item linkId \"total\", calculatedExpression",
        ]
    );
}

#[test]
fn calculations_that_are_no_plain_sums_are_refused() {
    let total = |kind: &str, more: &Value| {
        let mut total =
            json!({ "linkId": "/q-1", "type": kind, "text": "Something", "readOnly": true });
        for (key, value) in more.as_object().expect("an object") {
            total[key] = value.clone();
        }
        let scored = json!([extension("ordinalValue", "valueDecimal", &json!(1))]);
        let choice = json!({ "linkId": "a", "type": "choice", "text": "?",
                             "answerOption": [{ "valueString": "x", "extension": scored }, { "valueString": "y" }] });
        let bare = json!({ "linkId": "b", "type": "choice", "text": "?",
                           "answerOption": [{ "valueString": "x" }, { "valueString": "y" }] });
        let found = refused(&with_items(&json!([choice, bare, total])));
        assert!(found[0].0.starts_with("item linkId \"/q-1\""), "{found:?}");
        found[0].1.clone()
    };
    let expression = |language: &str, expression: &str| {
        json!({ "extension": [{ "url": format!("{SDC}calculatedExpression"),
                                "valueExpression": { "language": language, "expression": expression } }] })
    };
    let of = |id: &str| format!("%resource.item.where(linkId='{id}').answer.value");
    let path = |text: &str| expression("text/fhirpath", text);
    assert!(
        total("decimal", &path(&format!("({} / 2).round(1)", of("a"))))
            .contains("not understood as a plain sum")
    );
    assert!(
        total("decimal", &path(&format!("{}.ordinal()", of("nobody"))))
            .contains("not understood as a plain sum")
    );
    assert!(total("decimal", &path(&of("a"))).contains("add up their `ordinal()`"));
    assert!(
        total("decimal", &path(&format!("{}.ordinal()", of("b")))).contains("have no ordinalValue")
    );
    assert!(
        total("decimal", &path(&format!("{}.ordinal()", of("a"))))
            .contains("its option 2 has no value")
    );
    assert!(
        total("decimal", &expression("text/cql", "Total"))
            .contains("only expressions in text/fhirpath")
    );
    assert!(
        total("integer", &json!({}))
            .contains("neither how it is calculated nor that it is a score")
    );
    assert!(
        total("string", &path("'low'"))
            .contains("read-only, so nobody can answer it; only a total score may be")
    );
    // Two totals that say nothing could each be the sum of anything.
    let total = |id: &str| json!({ "linkId": id, "type": "integer", "text": "Total score", "readOnly": true });
    let found = refused(&with_items(&json!([item(&json!({})), total("t1"), total("t2")])));
    assert!(
        found.iter().all(|(_, message)| message.contains("several total scores"))
            && found.len() == 2,
        "{found:?}"
    );
    let found = refused(&with_items(&json!([item(&json!({})), total("t1")])));
    assert!(found[0].1.contains("no choice beside it has an ordinalValue"), "{found:?}");
}

#[test]
fn ids_that_are_none_or_twice_are_refused() {
    for id in ["a b", "#1", "ä", &"x".repeat(65)] {
        let found = refused(&with_items(&json!([item(&json!({ "linkId": id }))])));
        assert!(found[0].0.starts_with("item linkId") && found.len() == 1, "{found:?}");
        assert!(found[0].1.contains("is not 1 to 64 letters"), "{found:?}");
    }
    let twice = refused(&with_items(&json!([item(&json!({})), item(&json!({}))])));
    assert_eq!(twice[0].0, "item linkId \"/q-1\"");
    assert!(
        twice[0].1.starts_with("the id \"/q-1\" is taken already, at line 1, column "),
        "{twice:?}"
    );
    let mut missing = item(&json!({}));
    missing.as_object_mut().expect("an object").remove("linkId");
    let found =
        refused(&with_items(&json!([{ "linkId": "g", "type": "group", "item": [missing] }])));
    assert_eq!(
        found,
        [(
            "item linkId \"g\", item 1 without linkId".to_owned(),
            "there is no linkId; give it one".to_owned()
        )]
    );
    refuses(&json!({ "text": "" }), "there is no text");
    refuses(&json!({ "text": 7 }), "this is a number; give a text");
}

#[test]
fn resources_that_are_not_understood_are_refused() {
    let base = with_items(&json!([item(&json!({}))]));
    let with = |key: &str, value: Value| {
        let mut resource = base.clone();
        resource[key] = value;
        refused(&resource)
    };
    assert!(with("resourceType", json!("Bundle"))[0].1.contains("take the Questionnaire out"));
    assert!(with("resourceType", json!(7))[0].1.contains("not a Questionnaire"));
    assert!(with("implicitRules", json!("http://example.org"))[0].1.contains("rules of its own"));
    assert!(with("modifierExtension", json!([{}]))[0].1.contains("modifierExtension"));
    assert!(with("language", json!("English!"))[0].1.contains("no language"));
    assert!(with("title", json!(""))[0].1.contains("there is no title"));
    assert!(with("item", json!([]))[0].1.contains("there is no question"));
    assert!(with("item", json!(["a"]))[0].1.contains("an item is an object"));
    let translation = json!({ "extension": [{ "url": format!("{STRUCTURE}translation"), "extension": [
        { "url": "lang", "valueCode": "de" }, { "url": "content", "valueString": "Titel" } ] }] });
    assert!(with("_title", translation.clone())[0].1.contains("not the language of the texts"));
    let mut partly = base.clone();
    partly["language"] = json!("en");
    partly["_title"] = translation;
    let found = refused(&partly);
    assert_eq!(found[0].0, "item linkId \"/q-1\", text");
    assert!(found[0].1.contains("is not given in \"de\""), "{found:?}");
}

#[test]
fn questions_in_questions_and_deep_groups_are_refused() {
    let inner = json!({ "linkId": "inner", "type": "boolean", "text": "?" });
    let found = refused(&with_items(&json!([item(&json!({ "item": [inner] }))])));
    assert_eq!(found[0].0, "item linkId \"inner\"");
    assert!(found[0].1.contains("stands in another question"));
    let nested = |levels: usize| {
        (0..levels).fold(item(&json!({})), |inner, level| {
            json!({ "linkId": format!("g{level}"), "type": "group", "item": [inner] })
        })
    };
    let eight = with_items(&json!([nested(8)])).to_string();
    assert!(read("q.json", eight.as_bytes()).is_ok());
    let found = refused(&with_items(&json!([nested(9)])));
    assert!(found[0].1.contains("more than 8 deep"), "{found:?}");
}

#[test]
fn ten_thousand_items_are_refused_at_once() {
    let items: Vec<Value> =
        (0..10_000).map(|number| json!({ "linkId": format!("i{number}") })).collect();
    let found = refused(&with_items(&json!([{ "linkId": "g", "type": "group", "item": items }])));
    assert_eq!(
        found,
        [(String::new(), "there are 10001 items; no more than 500 can be asked".to_owned())]
    );
}

#[test]
fn all_problems_are_told_at_once() {
    let found = refused(&with_items(&json!([
        { "linkId": "a", "type": "string", "text": "Your name?" },
        { "linkId": "b", "type": "integer", "text": "How many?" },
        { "linkId": "c", "type": "group", "text": "More", "item": [
            { "linkId": "d", "type": "date", "text": "When?", "enableWhen": [{}], "initial": [{}] },
        ]},
    ])));
    let places: Vec<&str> = found.iter().map(|(place, _)| &**place).collect();
    assert_eq!(
        places,
        [
            "item linkId \"a\"",
            "item linkId \"b\", minValue",
            "item linkId \"b\", maxValue",
            "item linkId \"d\", enableWhen",
            "item linkId \"d\", initial",
            "item linkId \"d\"",
        ]
    );
}

#[test]
fn a_small_file_cannot_make_a_huge_form() {
    let concepts: Vec<Value> =
        (0..900).map(|number| json!({ "code": number.to_string(), "display": "x" })).collect();
    let set = json!({ "resourceType": "ValueSet", "id": "set", "compose": { "include": [{ "concept": concepts }] } });
    let choice = |number: usize| json!({ "linkId": format!("i{number}"), "type": "choice", "text": "?", "answerValueSet": "#set" });
    let mut resource = with_items(&Value::Array((0..490).map(choice).collect()));
    resource["contained"] = json!([set]);
    let found = refused(&resource);
    assert!(found[0].1.contains("up to here there are 1800 options"), "{found:?}");

    // Calculations that take the same long list of items again and again.
    let variable = |name: &str, expression: &str| json!({ "url": format!("{STRUCTURE}variable"), "valueExpression": { "name": name, "expression": expression } });
    let list = vec!["'x'"; 40_000].join("|");
    let long = format!("%resource.descendants().where(linkId in ({list})).answer.value.sum()");
    let total = |number: usize| {
        let again = vec!["%long"; 300].join("+");
        json!({ "linkId": format!("t{number}"), "type": "decimal", "text": "Total", "extension": [{
            "url": format!("{SDC}calculatedExpression"),
            "valueExpression": { "language": "text/fhirpath", "expression": again },
        }] })
    };
    let mut resource = with_items(&Value::Array((0..300).map(total).collect()));
    resource["extension"] = json!([variable("long", &long)]);
    let found = refused(&resource);
    assert!(found[0].1.contains("not understood as a plain sum"), "{found:?}");
    let variables: Vec<Value> =
        (0..201).map(|number| variable(&format!("v{number}"), "1")).collect();
    resource["extension"] = Value::Array(variables);
    assert!(refused(&resource)[0].1.contains("more than 200 variables"));
}
