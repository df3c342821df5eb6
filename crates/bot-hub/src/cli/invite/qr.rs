//! A link as a picture for a phone's camera.
//!
//! Owns how a QR code is drawn on a terminal: two modules in one character, in colours of its own, so
//! that it can be read on a dark and on a light one.

use qrcodegen::{QrCode, QrCodeEcc};

/// White modules around it; scanners ask for four and are content with two.
const MARGIN: i32 = 2;

/// Black on white, and back to what was before.
const COLOURS: (&str, &str) = ("\u{1b}[30;107m", "\u{1b}[0m");

/// The picture, or nothing for a text that is too long for one.
pub(super) fn picture(text: &str) -> String {
    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Low) else { return String::new() };
    let size = code.size();
    let mut picture = String::new();
    for y in (-MARGIN..size + MARGIN).step_by(2) {
        picture.push_str(COLOURS.0);
        for x in -MARGIN..size + MARGIN {
            picture.push(match (code.get_module(x, y), code.get_module(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        picture.push_str(COLOURS.1);
        picture.push('\n');
    }
    picture.trim_end_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_fits_a_small_terminal() {
        let picture = picture("https://bot-hub.example.com/join#K7QF-2M9D-XR4T-8W3A");
        let lines: Vec<&str> = picture.lines().collect();
        let plain = lines[0].replace(COLOURS.0, "").replace(COLOURS.1, "");
        assert!(plain.chars().count() <= 40 && lines.len() <= 20, "{picture}");
        assert!(plain.chars().all(|c| c == ' '), "the margin is white: {plain:?}");
    }
}
