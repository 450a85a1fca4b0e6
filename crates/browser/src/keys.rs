//! Keys by name, as in `Enter`, `a`, `Shift+Tab`, `Control+Enter`.

use chromiumoxide::cdp::browser_protocol::input::{DispatchKeyEventParams, DispatchKeyEventType};
use chromiumoxide::keys::get_key_definition;

/// The events of pressing and releasing a key.
pub fn press(combination: &str) -> [DispatchKeyEventParams; 2] {
    let mut parts: Vec<&str> = combination.split('+').collect();
    let name = parts.pop().unwrap_or_default();
    let modifiers = parts.iter().fold(0, |bits, part| {
        bits | match *part {
            "Alt" => 1,
            "Control" => 2,
            "Meta" => 4,
            "Shift" => 8,
            other => panic!("{other} is not a modifier"),
        }
    });
    let key = get_key_definition(name).unwrap_or_else(|| panic!("there is no key {name}"));
    let text = key
        .text
        .or((key.key.chars().count() == 1).then_some(key.key));
    let event = |kind, text: Option<&str>| {
        let mut event = DispatchKeyEventParams::new(kind);
        event.modifiers = Some(modifiers);
        event.key = Some(key.key.to_owned());
        event.code = Some(key.code.to_owned());
        event.windows_virtual_key_code = Some(key.key_code);
        event.text = text.map(str::to_owned);
        event
    };
    // With a modifier other than Shift a key is a command and types nothing.
    let text = text.filter(|_| modifiers & !8 == 0);
    let down = match text {
        Some(_) => DispatchKeyEventType::KeyDown,
        None => DispatchKeyEventType::RawKeyDown,
    };
    [event(down, text), event(DispatchKeyEventType::KeyUp, None)]
}
