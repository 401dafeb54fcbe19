//! Identities as JavaScript objects.

use js_sys::{Array, Date, Object, Reflect, Uint8Array};
use wardsum_protocol::StudyDigest;
use wasm_bindgen::{JsCast, JsValue};
use zeroize::Zeroizing;

use super::name::from_hex;
use super::{Identity, IdentityName, Inventory, Summary};

const STUDY_ID: &str = "study_id";
const ROUND: &str = "round";
const MEMORY: &str = "memory";
const UPDATED_AT_MS: &str = "updated_at_ms";
const KEEP_UNTIL_MS: &str = "keep_until_ms";

/// The object to store. Its memory is a copy, to be wiped with [`wipe`].
pub(super) fn to_js(identity: &Identity) -> JsValue {
    let object = Object::new();
    let set = |property: &str, value: &JsValue| {
        // Setting a property of a fresh object cannot fail.
        let _ = Reflect::set(&object, &JsValue::from_str(property), value);
    };
    set(STUDY_ID, &JsValue::from_str(&identity.study_id));
    set(ROUND, &JsValue::from_str(&identity.round.to_string()));
    set(MEMORY, &Uint8Array::new_from_slice(&identity.memory));
    set(UPDATED_AT_MS, &JsValue::from_f64(Date::now()));
    set(KEEP_UNTIL_MS, &JsValue::from_f64(identity.keep_until_ms));
    object.into()
}

/// The identity in an object that was stored under `name`; `None` if it is not one.
pub(super) fn from_js(name: IdentityName, value: &JsValue) -> Option<Identity> {
    let Summary { study_id, round, keep_until_ms, .. } = summary(name, value)?;
    let memory = Zeroizing::new(memory(value)?.to_vec());
    Some(Identity { name, study_id, round, keep_until_ms, memory })
}

/// What the keys and values of the whole object store are, which come in the same order.
pub(super) fn inventory(keys: &JsValue, values: &JsValue) -> Inventory {
    let (keys, values) = (keys.unchecked_ref::<Array>(), values.unchecked_ref::<Array>());
    let mut inventory = Inventory::default();
    for (key, value) in keys.iter().zip(values.iter()) {
        // Other keys are not ours.
        if let Some(name) = key.as_string().and_then(|key| IdentityName::parse(&key)) {
            match summary(name, &value) {
                Some(summary) => inventory.identities.push(summary),
                None => inventory.damaged.push(name),
            }
        }
        wipe(&value);
    }
    inventory
}

/// Overwrites the memory in an object. Reading and storing both make copies, so those of the page
/// can be taken out of its heap before the garbage collector gets to them.
pub(super) fn wipe(value: &JsValue) {
    if let Some(memory) = memory(value) {
        memory.fill(0, 0, memory.length());
    }
}

/// How long a record is kept that an earlier version of the page wrote, which did not say until when: 30
/// days, longer than a round usually takes.
const UNDATED_KEPT_MS: f64 = 30.0 * 24.0 * 3_600_000.0;

fn summary(name: IdentityName, value: &JsValue) -> Option<Summary> {
    memory(value)?;
    let updated_at_ms = property(value, UPDATED_AT_MS)?.as_f64()?;
    let keep_until = property(value, KEEP_UNTIL_MS)?;
    Some(Summary {
        name,
        study_id: property(value, STUDY_ID)?.as_string()?,
        round: StudyDigest(from_hex(&property(value, ROUND)?.as_string()?)?),
        updated_at_ms,
        keep_until_ms: if keep_until.is_undefined() {
            updated_at_ms + UNDATED_KEPT_MS
        } else {
            keep_until.as_f64()?
        },
    })
}

fn memory(value: &JsValue) -> Option<Uint8Array> {
    property(value, MEMORY)?.dyn_into().ok()
}

/// A property of what may not even be an object.
fn property(value: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(value, &JsValue::from_str(name)).ok()
}
