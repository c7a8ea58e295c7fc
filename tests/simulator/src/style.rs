//! The styles on offer.

use crate::look::{Format, Frame, Look, Sparks};

/// A style as the list names it.
#[derive(Debug)]
pub struct Style {
    /// Its name.
    pub name: &'static str,
    /// Its id.
    pub id: &'static str,
    /// 女 or 男.
    pub sex: &'static str,
    pub(crate) look: Look,
}

impl Style {
    pub(crate) fn of(id: &str) -> Option<&'static Self> {
        STYLES.iter().copied().find(|style| style.id == id)
    }

    pub(crate) fn extension(&self) -> &'static str {
        match self.look.format {
            Format::Png => "png",
            Format::Jpeg => "jpg",
            Format::WebP => "webp",
        }
    }

    pub(crate) fn content_type(&self) -> &'static str {
        match self.look.format {
            Format::Png => "image/png",
            Format::Jpeg => "image/jpeg",
            Format::WebP => "image/webp",
        }
    }
}

/// Every style; the first three have the document's ids.
pub const STYLES: [&Style; 8] = [&IMMORTAL, &FULL_MOON, &REPUBLIC, &RAIN, &NEON, &SUIT, &SCHOLAR, &FILM];

static IMMORTAL: Style = Style {
    name: "仙气十足",
    id: "20057d0c-8cef-447e-88d0-a8f3490fd0b0",
    sex: "女",
    look: Look {
        shadow: [88, 92, 150],
        middle: [206, 190, 224],
        light: [255, 250, 255],
        tint: 0.50,
        saturation: 0.70,
        contrast: 0.88,
        lift: 0.07,
        vignette: -0.55,
        frame: Frame::Line { inset: 22, width: 2, colour: [255, 255, 255] },
        sparks: Sparks { count: 46, colour: [255, 244, 255], largest: 34, strength: 0.42 },
        format: Format::Png,
    },
};

static FULL_MOON: Style = Style {
    name: "花好月圆",
    id: "9ea64839-47df-4839-9823-cacac81eb933",
    sex: "女",
    look: Look {
        shadow: [66, 14, 24],
        middle: [214, 128, 88],
        light: [255, 236, 190],
        tint: 0.42,
        saturation: 1.05,
        contrast: 1.02,
        lift: 0.02,
        vignette: 0.20,
        frame: Frame::Moon { wall: [112, 18, 30], ring: [232, 190, 108] },
        sparks: Sparks { count: 22, colour: [255, 214, 150], largest: 16, strength: 0.5 },
        format: Format::Png,
    },
};

static REPUBLIC: Style = Style {
    name: "民国旧影",
    id: "c505072e-66f0-4659-9b12-6da82ce6dc33",
    sex: "女",
    look: Look {
        shadow: [38, 24, 14],
        middle: [158, 124, 86],
        light: [246, 228, 196],
        tint: 1.0,
        saturation: 0.0,
        contrast: 1.08,
        lift: 0.03,
        vignette: 0.75,
        frame: Frame::Mat { width: 44, paper: [238, 226, 200], line: [128, 98, 62] },
        sparks: Sparks { count: 0, colour: [0, 0, 0], largest: 1, strength: 0.0 },
        format: Format::Jpeg,
    },
};

static RAIN: Style = Style {
    name: "江南烟雨",
    id: "5b8f6c1e-3a47-4d0e-9c55-7f2d1be0a944",
    sex: "女",
    look: Look {
        shadow: [28, 52, 60],
        middle: [128, 166, 160],
        light: [236, 244, 236],
        tint: 0.62,
        saturation: 0.62,
        contrast: 0.92,
        lift: 0.05,
        vignette: 0.10,
        frame: Frame::Wash { paper: [240, 242, 232], reach: 96 },
        sparks: Sparks { count: 0, colour: [0, 0, 0], largest: 1, strength: 0.0 },
        format: Format::WebP,
    },
};

static NEON: Style = Style {
    name: "赛博霓虹",
    id: "e1d7a0b2-64c9-4f18-8a3b-2c90d5f7716e",
    sex: "男",
    look: Look {
        shadow: [18, 8, 66],
        middle: [190, 40, 170],
        light: [120, 244, 255],
        tint: 0.66,
        saturation: 1.15,
        contrast: 1.25,
        lift: -0.02,
        vignette: 0.55,
        frame: Frame::Glow { colour: [0, 240, 255], other: [255, 40, 180], reach: 90 },
        sparks: Sparks { count: 14, colour: [255, 60, 200], largest: 60, strength: 0.35 },
        format: Format::Png,
    },
};

static SUIT: Style = Style {
    name: "商务精英",
    id: "0f6e9d35-7b21-4c84-b6aa-91e3c8d4f250",
    sex: "男",
    look: Look {
        shadow: [12, 20, 36],
        middle: [126, 134, 148],
        light: [250, 250, 248],
        tint: 0.28,
        saturation: 0.72,
        contrast: 1.15,
        lift: 0.02,
        vignette: 0.50,
        frame: Frame::Mat { width: 26, paper: [22, 30, 48], line: [188, 160, 104] },
        sparks: Sparks { count: 0, colour: [0, 0, 0], largest: 1, strength: 0.0 },
        format: Format::Jpeg,
    },
};

static SCHOLAR: Style = Style {
    name: "墨韵书生",
    id: "a94c2f70-1d5e-4b63-9f08-d7361e82bc4a",
    sex: "男",
    look: Look {
        shadow: [20, 20, 24],
        middle: [140, 138, 134],
        light: [250, 246, 236],
        tint: 1.0,
        saturation: 0.0,
        contrast: 1.28,
        lift: 0.05,
        vignette: -0.40,
        frame: Frame::Wash { paper: [250, 246, 236], reach: 130 },
        sparks: Sparks { count: 0, colour: [0, 0, 0], largest: 1, strength: 0.0 },
        format: Format::Jpeg,
    },
};

static FILM: Style = Style {
    name: "胶片时光",
    id: "73b1e5c8-90fa-4e27-8d4c-5a6f02c913d7",
    sex: "女",
    look: Look {
        shadow: [20, 44, 48],
        middle: [196, 158, 116],
        light: [255, 240, 206],
        tint: 0.36,
        saturation: 0.95,
        contrast: 1.06,
        lift: 0.04,
        vignette: 0.45,
        frame: Frame::Film,
        sparks: Sparks { count: 5, colour: [255, 150, 60], largest: 170, strength: 0.30 },
        format: Format::Jpeg,
    },
};
