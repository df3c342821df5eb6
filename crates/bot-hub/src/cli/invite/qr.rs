//! A link as a QR code for a phone's camera.
//!
//! Owns how a QR code is drawn on a terminal: two modules per character, with explicit colours, so that it
//! can be scanned from dark and light terminals.

use qrcodegen::{QrCode, QrCodeEcc};

/// The white border in modules. Scanners ask for four and accept two.
const MARGIN: i32 = 2;

/// Selects black on white; resets the colours.
const COLOURS: (&str, &str) = ("\u{1b}[30;107m", "\u{1b}[0m");

/// The QR code, or an empty string if the text is too long for one.
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
