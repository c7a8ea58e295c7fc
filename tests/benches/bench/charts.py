"""The charts that the READMEs show, each for a light and for a dark page."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter

from bench.curves import Curve
from bench.economy import Panel, Point
from bench.places import CHARTS

LIGHT = {"ink": "#1f2328", "faint": "#d1d9e0", "ours": "#cf222e", "good": "#1a7f37", "plain": "#8c959f"}
DARK = {"ink": "#e6edf3", "faint": "#3d444d", "ours": "#ff7b72", "good": "#3fb950", "plain": "#8b949e"}
# Families of loops; colours that differ on both grounds, and for the colour-blind with their marks.
FAMILIES = {
    "fal": ("#0072b2", "o"),
    "replicate": ("#56b4e9", "s"),
    "openai": ("#009e73", "^"),
    "runway": ("#e69f00", "D"),
    "dashscope": ("#cc79a7", "v"),
    "Azure": ("#8f7fe8", "P"),
    "Google": ("#b58900", "X"),
    "comfy": ("#7f8c8d", "h"),
}
Colours = dict[str, str]


def draw(panels: Sequence[Panel], ratios: Sequence[tuple[str, float]], curves: dict[str, Curve]) -> None:
    CHARTS.mkdir(exist_ok=True)
    for colours, suffix in ((LIGHT, ""), (DARK, "-dark")):
        with mpl.rc_context(style(colours)):
            save(economy(panels, colours), f"economy{suffix}")
            save(bars(ratios, colours), f"ratios{suffix}")
            save(growth(curves, colours), f"curves{suffix}")


def style(colours: Colours) -> dict[str, Any]:
    return {
        "svg.fonttype": "none",
        # The same numbers give the same file.
        "svg.hashsalt": "xiezhen",
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans", "Helvetica", "Arial"],
        "font.size": 10,
        "text.color": colours["ink"],
        "axes.labelcolor": colours["ink"],
        "axes.edgecolor": colours["faint"],
        "axes.titlesize": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "xtick.color": colours["ink"],
        "ytick.color": colours["ink"],
        "grid.color": colours["faint"],
        "grid.linewidth": 0.5,
    }


def save(figure: Any, name: str) -> None:
    figure.savefig(CHARTS / f"{name}.svg", transparent=True, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


def plainly(value: float, _: object) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def economy(panels: Sequence[Panel], colours: Colours) -> Any:
    figure, grid = plt.subplots(2, 3, figsize=(10.5, 6.4), layout="constrained")
    *axes, legend = grid.flat
    for panel, ax in zip(panels, axes, strict=True):
        one_panel(ax, panel, colours)
    figure.supxlabel("queries a task (fewer is cheaper)", fontsize=10)
    figure.supylabel("mean delay in seconds (less is sooner)", fontsize=10)
    handles, labels = axes[0].get_legend_handles_labels()
    legend.axis("off")
    legend.legend(handles, labels, loc="center", frameon=False, fontsize=9, labelspacing=0.55)
    return figure


def one_panel(ax: Any, panel: Panel, colours: Colours) -> None:
    ours = panel["ours"]
    ax.set(xscale="log", yscale="log", title=panel["title"])
    points = [ours, *panel["peers"]]
    ax.set_xlim(min(point["queries"] for point in points) / 1.6, max(point["queries"] for point in points) * 2)
    ax.set_ylim(min(point["delay"] for point in points) / 1.8, max(point["delay"] for point in points) * 2)
    # Whoever is in here has both fewer queries and less delay.
    corner = (ax.get_xlim()[0], ax.get_ylim()[0])
    better = plt.Rectangle(corner, ours["queries"] - corner[0], ours["delay"] - corner[1], zorder=0)
    better.set(facecolor=colours["good"], alpha=0.14, label="fewer queries and less delay than ours")
    ax.plot(ours["queries"], ours["delay"], "*", ms=15, color=colours["ours"], ls="none", label="xiezhen", zorder=5)
    ax.add_patch(better)
    for peer in panel["peers"]:
        mark(ax, peer)
    tidy(ax, ax.xaxis, ax.yaxis)


def tidy(ax: Any, *logarithmic: Any) -> None:
    ax.minorticks_off()
    ax.grid(which="major")
    for axis in logarithmic:
        axis.set_major_formatter(FuncFormatter(plainly))


def mark(ax: Any, peer: Point) -> None:
    family = next(name for name in FAMILIES if peer["who"].startswith(name))
    colour, marker = FAMILIES[family]
    # The second of a family is hollow.
    second = "(JS)" in peer["who"] or peer["who"].endswith("1")
    face = "none" if second else colour
    ax.plot(peer["queries"], peer["delay"], marker, ms=7, mfc=face, mec=colour, mew=1.5, ls="none", label=peer["who"])


def bars(ratios: Sequence[tuple[str, float]], colours: Colours) -> Any:
    """Ours as a share of the peer's; the line is as much as the peer's."""
    figure, ax = plt.subplots(figsize=(8.5, 0.36 * len(ratios) + 0.9), layout="constrained")
    names = [name for name, _ in reversed(ratios)]
    values = [value for _, value in reversed(ratios)]
    drawn = ax.barh(names, values, height=0.62, color=[colours["good" if v <= 1 else "ours"] for v in values])
    ax.bar_label(drawn, [f"{value:.2f}" for value in values], padding=4)
    ax.axvline(1, color=colours["ink"], lw=1)
    ax.set_xlim(0, max(1.1, *values) * 1.1)
    ax.margins(y=0.02)
    ax.set_xlabel("CPU time beside the library named, which is 1 (less is cheaper)")
    ax.tick_params(length=0)
    return figure


def growth(curves: dict[str, Curve], colours: Colours) -> Any:
    figure, (polls, memory) = plt.subplots(1, 2, figsize=(9.5, 3.4), layout="constrained")
    alone = curves["scheduler"]
    for side, colour in (("reqwest", colours["plain"]), ("xiezhen", colours["ours"])):
        label = "bare reqwest" if side == "reqwest" else side
        polls.plot(curves[side]["waits"], curves[side]["poll"], "o-", color=colour, label=label)
    polls.plot(alone["waits"], alone["look"], "o--", color=colours["ours"], label="its scheduler alone")
    polls.set(xscale="log", title="CPU of one more poll, µs", xlabel="waits at once")
    polls.set_ylim(bottom=0)
    polls.legend(frameon=False)
    megabytes = [value / 1e6 for value in alone["memory"]]
    memory.plot(alone["waits"], megabytes, "o-", color=colours["ours"], label="the scheduler's")
    memory.plot(
        alone["waits"],
        [waits * 1024 / 1e6 for waits in alone["waits"]],
        ":",
        color=colours["ink"],
        label="1 KiB a wait",
    )
    memory.set(xscale="log", yscale="log", title="memory of all waits, MB", xlabel="waits at once")
    memory.legend(frameon=False)
    tidy(polls, polls.xaxis)
    tidy(memory, memory.xaxis, memory.yaxis)
    return figure
