//! How a style looks: its colours, its frame, its lights.

use crate::identity::Noise;
use image::{Rgb, RgbImage};

pub(crate) const WIDTH: u32 = 600;
pub(crate) const HEIGHT: u32 = 800;

type Colour = [u8; 3];

/// Everything that makes a style's pictures its own.
#[derive(Debug)]
pub(crate) struct Look {
    /// Dark, middle and light tones are drawn towards these.
    pub(crate) shadow: Colour,
    pub(crate) middle: Colour,
    pub(crate) light: Colour,
    /// How far: 0 not at all, 1 to the colours alone.
    pub(crate) tint: f32,
    pub(crate) saturation: f32,
    pub(crate) contrast: f32,
    pub(crate) lift: f32,
    /// Darker corners; negative: lighter ones.
    pub(crate) vignette: f32,
    pub(crate) frame: Frame,
    pub(crate) sparks: Sparks,
    pub(crate) format: Format,
}

/// What a picture is saved as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Png,
    Jpeg,
    WebP,
}

/// What surrounds the picture.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Frame {
    /// A thin line within the picture.
    Line { inset: u32, width: u32, colour: Colour },
    /// Paper around it, with a line.
    Mat { width: u32, paper: Colour, line: Colour },
    /// A round window in a wall.
    Moon { wall: Colour, ring: Colour },
    /// Light from the sides.
    Glow { colour: Colour, other: Colour, reach: u32 },
    /// It fades into paper, like ink.
    Wash { paper: Colour, reach: u32 },
    /// A strip of film.
    Film,
}

/// Round lights strewn over the picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sparks {
    pub(crate) count: u32,
    pub(crate) colour: Colour,
    pub(crate) largest: u32,
    pub(crate) strength: f32,
}

impl Look {
    /// Grades, lights and frames a picture of 600 × 800.
    pub(crate) fn apply(&self, picture: &mut RgbImage, seed: u64) {
        let mut noise = Noise::new(seed);
        let tones: Vec<[f32; 3]> = (0..=255).map(|level| self.tone(level)).collect();
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            let graded = self.graded(pixel.0, &tones);
            let shade = 1.0 - self.vignette * falloff(x, y);
            let grain = (noise.unit() - 0.5) * 5.0;
            *pixel = Rgb(graded
                .map(|level| if shade <= 1.0 { level * shade } else { towards(level, 255.0, shade - 1.0) } + grain)
                .map(clamp));
        }
        self.sparks.strew(picture, &mut noise);
        let phase = noise.unit() * std::f32::consts::TAU;
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            let (colour, opacity) = self.frame.cover(x as f32, y as f32, phase);
            if opacity > 0.0 {
                *pixel = Rgb(blend(pixel.0, colour, opacity.min(1.0)));
            }
        }
    }

    /// The colour a grey of this level is drawn to.
    fn tone(&self, level: u16) -> [f32; 3] {
        let at = f32::from(level) / 255.0;
        let (from, to, share) =
            if at < 0.5 { (self.shadow, self.middle, at * 2.0) } else { (self.middle, self.light, at * 2.0 - 1.0) };
        mix(from, to, share)
    }

    fn graded(&self, [red, green, blue]: Colour, tones: &[[f32; 3]]) -> [f32; 3] {
        let pixel = [f32::from(red), f32::from(green), f32::from(blue)];
        let [r, g, b] = pixel;
        let grey = 0.299 * r + 0.587 * g + 0.114 * b;
        let bent = ((grey / 255.0 - 0.5) * self.contrast + 0.5 + self.lift) * 255.0;
        let [tone_r, tone_g, tone_b] = tones.get(usize::from(clamp(bent))).copied().unwrap_or_default();
        let own = pixel.map(|level| {
            let vivid = grey + (level - grey) * self.saturation;
            ((vivid / 255.0 - 0.5) * self.contrast + 0.5 + self.lift) * 255.0
        });
        let [own_r, own_g, own_b] = own;
        [towards(own_r, tone_r, self.tint), towards(own_g, tone_g, self.tint), towards(own_b, tone_b, self.tint)]
    }
}

/// A figure before a wall: what a template shows in place of a person.
pub(crate) fn figure() -> RgbImage {
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let (x, y) = (x as f32, y as f32);
        let wall = 120.0 + 110.0 * (1.0 - y / HEIGHT as f32) - 40.0 * ((x - 220.0) / 380.0).powi(2);
        let head = edge(ellipse(x, y, 300.0, 330.0, 108.0, 142.0));
        let hair = edge(ellipse(x, y, 300.0, 312.0, 134.0, 168.0));
        let neck = edge(((x - 300.0).abs() / 48.0).max((y - 500.0).abs() / 100.0));
        let body = edge(ellipse(x, y, 300.0, 850.0, 290.0, 310.0));
        let mut level = towards(wall, 52.0, hair);
        level = towards(level, 190.0 - (x - 300.0) * 0.18, neck);
        level = towards(level, 78.0 + (300.0 - x) * 0.08, body);
        level = towards(level, 222.0 - (x - 270.0) * 0.22, head);
        Rgb([clamp(level + 6.0), clamp(level), clamp(level - 8.0)])
    })
}

impl Frame {
    /// The frame's colour at a place, and how much of it covers the picture.
    fn cover(self, x: f32, y: f32, phase: f32) -> (Colour, f32) {
        let (width, height) = (WIDTH as f32, HEIGHT as f32);
        let side = x.min(width - 1.0 - x).min(y.min(height - 1.0 - y));
        match self {
            Self::Line { inset, width, colour } => {
                let within = side - inset as f32;
                (colour, if within >= 0.0 && within < width as f32 { 0.85 } else { 0.0 })
            }
            Self::Mat { width, paper, line } => {
                let rim = width as f32 - side;
                if (6.0..9.0).contains(&rim) { (line, 1.0) } else { (paper, if rim > 0.0 { 1.0 } else { 0.0 }) }
            }
            Self::Moon { wall, ring } => {
                let away = ((x - 300.0).powi(2) + (y - 350.0).powi(2)).sqrt() - 272.0;
                let rim = (1.0 - (away - 4.0).abs() / 5.0).clamp(0.0, 1.0);
                if rim > 0.0 && away < 9.0 {
                    return (ring, rim);
                }
                let weave = if ((x + y) * 0.11 + phase).sin() * ((x - y) * 0.11).sin() > 0.55 { 20 } else { 0 };
                (wall.map(|level| level.saturating_add(weave)), away.clamp(0.0, 1.0))
            }
            Self::Glow { colour, other, reach } => {
                let near = (1.0 - side / reach as f32).clamp(0.0, 1.0);
                let line = if (14.0..18.0).contains(&side) { 0.95 } else { 0.0 };
                (if x + y * 0.75 < width { colour } else { other }, (near * near * 0.6).max(line))
            }
            Self::Wash { paper, reach } => {
                let waves = (x * 0.021 + phase).sin() + (y * 0.017 - phase).sin() + ((x + y) * 0.043).sin() * 0.5;
                let depth = reach as f32 * (0.72 + 0.17 * waves);
                let share = (1.0 - side / depth.max(1.0)).clamp(0.0, 1.0);
                (paper, share * share * (3.0 - 2.0 * share) * 1.15)
            }
            Self::Film => film(x, y),
        }
    }
}

/// Black margins left and right, with holes.
fn film(x: f32, y: f32) -> (Colour, f32) {
    let margin = 58.0;
    let side = x.min(WIDTH as f32 - 1.0 - x);
    let top = y.min(HEIGHT as f32 - 1.0 - y);
    if side > margin {
        return ([12, 11, 10], if top < 14.0 { 1.0 } else { 0.0 });
    }
    let along = (y + 12.0) % 62.0;
    let is_hole = (16.0..42.0).contains(&side) && (14.0..48.0).contains(&along);
    (if is_hole { [236, 228, 210] } else { [12, 11, 10] }, 1.0)
}

impl Sparks {
    fn strew(self, picture: &mut RgbImage, noise: &mut Noise) {
        for _ in 0..self.count {
            let (across, down) = (noise.unit() * WIDTH as f32, noise.unit() * HEIGHT as f32);
            // Faces are in the middle: lights there are small.
            let middle = 1.0 - ((across - 300.0).abs() / 300.0).max((down - 360.0).abs() / 440.0);
            let size = self.largest as f32 * (0.25 + 0.75 * noise.unit()) * (1.0 - middle * 0.8);
            self.spark(picture, across, down, size.max(2.0));
        }
    }

    fn spark(self, picture: &mut RgbImage, across: f32, down: f32, size: f32) {
        let range = |centre: f32, end: u32| ((centre - size).max(0.0) as u32)..((centre + size).ceil() as u32).min(end);
        for y in range(down, HEIGHT) {
            for x in range(across, WIDTH) {
                let away = ((x as f32 - across).powi(2) + (y as f32 - down).powi(2)).sqrt() / size;
                let Some(pixel) = picture.get_pixel_mut_checked(x, y).filter(|_| away < 1.0) else { continue };
                *pixel = Rgb(blend(pixel.0, self.colour, self.strength * (1.0 - away * away)));
            }
        }
    }
}

/// 0 in the middle, 1 in the corners.
fn falloff(x: u32, y: u32) -> f32 {
    let across = x as f32 / WIDTH as f32 - 0.5;
    let down = y as f32 / HEIGHT as f32 - 0.46;
    let away = (across * across + down * down) * 2.0 - 0.12;
    away.clamp(0.0, 1.0)
}

fn ellipse(x: f32, y: f32, across: f32, down: f32, width: f32, height: f32) -> f32 {
    (((x - across) / width).powi(2) + ((y - down) / height).powi(2)).sqrt()
}

/// 1 inside, 0 outside, soft between.
fn edge(distance: f32) -> f32 {
    ((1.02 - distance) * 25.0).clamp(0.0, 1.0)
}

fn towards(from: f32, to: f32, share: f32) -> f32 {
    from + (to - from) * share
}

fn clamp(level: f32) -> u8 {
    level.clamp(0.0, 255.0) as u8
}

fn mix([r, g, b]: Colour, [to_r, to_g, to_b]: Colour, share: f32) -> [f32; 3] {
    [(r, to_r), (g, to_g), (b, to_b)].map(|(from, to)| towards(f32::from(from), f32::from(to), share))
}

fn blend(from: Colour, to: Colour, share: f32) -> Colour {
    mix(from, to, share).map(clamp)
}
