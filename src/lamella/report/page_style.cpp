// SPDX-License-Identifier: Apache-2.0
// Colours are those of a stained section: haematoxylin's violet, eosin's pink. Plots take theirs
// from Okabe and Ito's set, darkened or lightened until each stands out from its ground by 3 to 1,
// and have dashes of their own.
#include "lamella/report/page_internal.h"

namespace lamella::report {

const char* const kPageStyle = R"style(
:root {
  --ground: #fbfafc; --sheet: #ffffff; --ink: #221d2b; --soft: #5d5668; --rule: #e3dfe9;
  --accent: #56369b; --accent-soft: #efeaf8; --pink: #b8386f;
  --good: #17694a; --good-soft: #e2f3ea; --bad: #a3202f; --bad-soft: #fbe7e9;
  --warn: #7a4f00; --warn-soft: #fcf1da; --shade: #f5f3f8;
  --c0: #5b3fa5; --c1: #c2500a; --c2: #007a5a; --c3: #0068a8; --c4: #a83279; --c5: #7d6a00;
  --c6: #3d3d46; --c7: #2c7f9e;
  --s0: #2b1a5a; --s1: #6b3fa0; --s2: #b8386f; --s3: #e0653c; --s4: #e8a400;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ground: #15121b; --sheet: #1d1926; --ink: #eeeaf4; --soft: #b0a8bf; --rule: #3a3347;
    --accent: #bca6f5; --accent-soft: #2d2544; --pink: #f19ac0;
    --good: #7ed6ae; --good-soft: #16342a; --bad: #ff9da6; --bad-soft: #431b22;
    --warn: #f2c66d; --warn-soft: #3a2d10; --shade: #241f2f;
    --c0: #b79ffb; --c1: #ffa05c; --c2: #4fd0a4; --c3: #6db9f2; --c4: #f291c8; --c5: #e0cd5a;
    --c6: #c9c5d2; --c7: #7fd3ee;
    --s0: #7d6fb8; --s1: #a678dd; --s2: #e36ba4; --s3: #ff9a6b; --s4: #ffd84d;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
h1, h2, h3, .big { font-family: "Iowan Old Style", "Palatino Linotype", Palatino, "Noto Serif", "DejaVu Serif", Georgia, serif; }
h1 { font-size: clamp(1.8rem, 5vw, 2.7rem); line-height: 1.12; margin: .1em 0 .25em; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font-size: 1.5rem; line-height: 1.2; margin: 0 0 1rem; font-weight: 600; }
h3 { font-size: 1.12rem; margin: 1.6rem 0 .6rem; }
h4 { font-size: 1rem; margin: 0; }
p { margin: .5rem 0; }
a { color: var(--accent); }
code, pre { font: .86em/1.5 ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace; }
code, .path { overflow-wrap: anywhere; }
small { display: block; color: var(--soft); font-weight: 400; font-size: .8rem; line-height: 1.35; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--sheet); padding: .5rem 1rem; z-index: 9; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav a { display: block; padding: .28rem .8rem; color: var(--soft); text-decoration: none; font-size: .92rem; border-left: 2px solid var(--rule); }
nav a:hover { color: var(--accent); border-color: var(--accent); }
main { max-width: 66rem; margin: 0 auto; padding: 1.2rem 1rem 4rem; }
@media (min-width: 75rem) {
  nav { position: fixed; top: 5.2rem; left: max(1rem, calc(50vw - 43.5rem)); width: 11.5rem; }
  main { padding-top: 3rem; transform: translateX(0); margin-left: max(14rem, calc(50vw - 30rem)); margin-right: 1.5rem; }
}
@media (max-width: 74.99rem) {
  nav { overflow-x: auto; border-bottom: 1px solid var(--rule); background: var(--sheet); }
  nav ul { display: flex; }
  nav a { white-space: nowrap; border: 0; padding: .7rem .8rem; }
}
header { margin-bottom: 2.2rem; }
.over { color: var(--soft); margin: 0; font-size: .92rem; }
.over span { color: var(--pink); font-weight: 700; letter-spacing: .02em; }
.meta { color: var(--soft); font-size: .92rem; margin: 0 0 1rem; }
.lede { font-size: 1.16rem; max-width: 46rem; }
.note { color: var(--soft); font-size: .9rem; max-width: 50rem; }
.badge { display: inline-block; padding: .08rem .6rem; border-radius: 99px; font-size: .8rem; font-weight: 650; white-space: nowrap; background: var(--shade); color: var(--soft); }
.badge.good { background: var(--good-soft); color: var(--good); }
.badge.bad { background: var(--bad-soft); color: var(--bad); }
.badge.warn { background: var(--warn-soft); color: var(--warn); }
span.bad { color: var(--bad); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .8rem; margin: 1.4rem 0 0; }
.tiles div { background: var(--sheet); border: 1px solid var(--rule); border-radius: 12px; padding: .8rem 1rem; display: flex; flex-direction: column; }
.tiles dd { margin: 0; }
.tiles .big { font-size: 1.75rem; line-height: 1.15; color: var(--accent); }
.tiles dt { font-weight: 600; font-size: .92rem; }
.tiles .sub { color: var(--soft); font-size: .84rem; }
section { background: var(--sheet); border: 1px solid var(--rule); border-radius: 14px; padding: 1.4rem clamp(1rem, 3vw, 1.8rem); margin: 0 0 1.4rem; }
.facts { margin: 0; }
.facts div { display: grid; grid-template-columns: 9rem 1fr; gap: 1rem; padding: .45rem 0; border-top: 1px solid var(--rule); }
.facts div:first-child { border-top: 0; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 36rem) { .facts div { grid-template-columns: 1fr; gap: 0; } }
.alert { border-left: 4px solid; border-radius: 6px; padding: .7rem 1rem; margin: .6rem 0; overflow-wrap: anywhere; }
.alert h3 { margin: 0 0 .2rem; font-size: 1rem; font-family: inherit; }
.alert p, .alert ul { margin: 0; color: var(--ink); font-size: .94rem; }
.alert ul { padding-left: 1.1rem; }
.alert.bad { background: var(--bad-soft); border-color: var(--bad); }
.alert.bad h3 { color: var(--bad); }
.alert.warn { background: var(--warn-soft); border-color: var(--warn); }
.alert.warn h3 { color: var(--warn); }
.scroll { overflow-x: auto; margin: .4rem 0 1rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); font-size: .88rem; padding: .3rem 0; }
th, td { text-align: left; padding: .42rem .55rem; border-top: 1px solid var(--rule); vertical-align: top; }
thead th { border-top: 0; border-bottom: 1px solid var(--soft); font-size: .84rem; color: var(--soft); white-space: nowrap; vertical-align: bottom; }
tbody th { font-weight: 600; }
th.n, td.n { text-align: right; white-space: nowrap; }
tbody tr:hover { background: var(--shade); }
.small table, table.small { font-size: .84rem; }
.ci { color: var(--soft); font-size: .86em; white-space: nowrap; }
.figures td .ci { display: block; }
.figures tbody th { min-width: 9rem; }
@media (max-width: 36rem) { th, td { padding: .42rem .4rem; } section { padding: 1.1rem .9rem; } .figures small { display: none; } }
.hit { font-weight: 700; }
.sort { all: unset; cursor: pointer; font: inherit; color: inherit; }
.sort:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.sort::after { content: " ↕"; content: " ↕" / ""; opacity: .55; }
th[aria-sort=ascending] .sort::after { content: " ↑"; content: " ↑" / ""; opacity: 1; color: var(--accent); }
th[aria-sort=descending] .sort::after { content: " ↓"; content: " ↓" / ""; opacity: 1; color: var(--accent); }
details { margin: .6rem 0; }
summary { cursor: pointer; color: var(--accent); font-size: .94rem; }
.names { columns: 12rem; font-size: .9rem; padding-left: 1.1rem; }
pre { background: var(--shade); padding: 1rem; border-radius: 8px; overflow: auto; max-height: 28rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(19rem, 100%), 1fr)); gap: 1.6rem 2rem; }
.plot { margin: 0; min-width: 0; max-width: 30rem; }
.plot svg[role=img] { width: 100%; height: auto; display: block; overflow: visible; }
.plot text { font-size: 12px; fill: var(--soft); font-variant-numeric: tabular-nums; }
.plot text.name { font-size: 12.5px; fill: var(--ink); }
.reading { color: var(--soft); font-size: .88rem; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .1rem 1rem; margin: .15rem 0 .3rem; padding: 0; font-size: .88rem; min-height: 1.5em; }
.legend li { display: flex; align-items: center; gap: .4rem; }
.key { width: 26px; height: 10px; flex: none; }
.grid { stroke: var(--rule); stroke-width: 1; }
.axis { stroke: var(--soft); stroke-width: 1; fill: none; }
.ref { stroke: var(--soft); stroke-width: 1.4; stroke-dasharray: 2 4; fill: none; }
.line { fill: none; stroke: var(--c); stroke-width: 2.2; stroke-linejoin: round; }
.line.faint { stroke-width: 1; opacity: .6; }
.dots { fill: none; stroke: var(--c); stroke-width: 4.4; stroke-linecap: round; opacity: .75; } .dots.key { stroke-width: 9; } .rest { --c: var(--soft); opacity: .35; }
.mark { fill: var(--c); stroke: var(--sheet); stroke-width: 1.2; }
.bar { fill: var(--c); }
.s0 { --c: var(--s0); } .s1 { --c: var(--s1); } .s2 { --c: var(--s2); } .s3 { --c: var(--s3); } .s4 { --c: var(--s4); }
.c0 { --c: var(--c0); } .c1 { --c: var(--c1); } .c2 { --c: var(--c2); } .c3 { --c: var(--c3); }
.c4 { --c: var(--c4); } .c5 { --c: var(--c5); } .c6 { --c: var(--c6); } .c7 { --c: var(--c7); }
.line.c1 { stroke-dasharray: 7 3; } .line.c2 { stroke-dasharray: 2 3; } .line.c3 { stroke-dasharray: 9 3 2 3; }
.line.c4 { stroke-dasharray: 12 4; } .line.c5 { stroke-dasharray: 4 2; } .line.c6 { stroke-dasharray: 1 2; }
.line.c7 { stroke-dasharray: 9 3 2 3 2 3; } .line.faint { stroke-dasharray: none; }
.zoom { all: unset; cursor: zoom-in; display: block; line-height: 0; }
.zoom:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.zoom img { width: auto; height: auto; max-width: 8.5rem; max-height: 6.5rem; border-radius: 5px; background: #fff; }
.controls tbody th { min-width: 9rem; } .unlike td:last-child { min-width: 13rem; }
.slides { font-size: .88rem; } .slides td { vertical-align: middle; } .slides tbody th { vertical-align: middle; }
.wrong { list-style: none; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); gap: 1.2rem 1rem; }
.wrong p { margin: .3rem 0 0; font-size: .88rem; line-height: 1.35; overflow-wrap: anywhere; }
.wrong .place { color: var(--soft); font-size: .8rem; margin-top: .1rem; font-variant-numeric: tabular-nums; }
.framed { position: relative; line-height: 0; }
.framed img, .none { width: 100%; height: auto; aspect-ratio: 1; border-radius: 8px; }
.framed::after { content: ""; position: absolute; inset: 25%; border: 2px solid #fff; outline: 1px solid #221d2b; box-shadow: inset 0 0 0 1px #221d2b; }
.none { display: grid; place-items: center; background: var(--shade); color: var(--soft); font-size: .84rem; }
.timebar { display: block; height: .8rem; min-width: 2px; background: var(--accent); border-radius: 3px; margin-top: .25rem; }
.times td:last-child { width: 60%; min-width: 6rem; }
.checklist td:last-child { min-width: 15rem; } .checklist th[scope=row] { min-width: 12rem; font-weight: 500; }
.checklist caption { font-weight: 700; color: var(--ink); font-size: .95rem; padding-top: 1rem; }
.badge.todo { background: var(--accent-soft); color: var(--accent); }
dialog { border: 0; border-radius: 12px; padding: 1rem; background: var(--sheet); color: var(--ink); max-width: 96vw; max-height: 96vh; }
dialog::backdrop { background: rgb(20 15 30 / .75); }
dialog img { display: block; max-width: 90vw; max-height: 78vh; background: #fff; border-radius: 6px; }
dialog p { margin: 0 0 .6rem; font-weight: 600; }
dialog button { margin-top: .7rem; font: inherit; padding: .35rem 1.1rem; border-radius: 99px; border: 1px solid var(--accent); background: var(--accent-soft); color: var(--accent); cursor: pointer; }
footer { color: var(--soft); font-size: .88rem; }
@media print {
  body { font-size: 10.5pt; background: #fff; } nav, .skip, dialog { display: none; }
  main { max-width: none; margin: 0; padding: 0; } section { border: 0; border-top: 1px solid #999; border-radius: 0; padding: .8rem 0; }
  .plot, .wrong li, tr, .tiles div, .alert { break-inside: avoid; } h2, h3, caption { break-after: avoid; }
  .scroll { overflow: visible; } pre { max-height: none; white-space: pre-wrap; } .sort::after { content: ""; }
  .plots { grid-template-columns: 1fr 1fr; } .plot details { display: none; } thead th { white-space: normal; }
}
)style";

}  // namespace lamella::report
