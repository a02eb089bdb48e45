# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the audit report looks: on a screen by day and by night, on a phone, on paper."""

from __future__ import annotations

_LIGHT = """
  --paper: #ffffff; --ink: #1a2127; --quiet: #56616b; --line: #d8dee3; --wash: #f5f7f8;
  --accent: #0b5876; --accent-wash: #eaf2f6;
  --alarm: #a11d17; --alarm-wash: #fcefed; --alarm-line: #e3b1ac;
  --notice: #744600; --notice-wash: #fcf4e2; --notice-line: #dfc690;
  --calm: #2b6440; --calm-line: #b7cfbf;
"""

_DARK = """
  --paper: #12171b; --ink: #e5eaee; --quiet: #a2adb7; --line: #333c44; --wash: #1a2026;
  --accent: #84c7e2; --accent-wash: #172a34;
  --alarm: #ffa197; --alarm-wash: #341b1a; --alarm-line: #7a3d38;
  --notice: #efc878; --notice-wash: #2c2514; --notice-line: #6b592c;
  --calm: #8fcca3; --calm-line: #38543f;
"""

CSS = (
    """
:root { color-scheme: light dark; """
    + _LIGHT
    + """ }
@media screen and (prefers-color-scheme: dark) { :root { """
    + _DARK
    + """ } }
*, *::before, *::after { box-sizing: border-box; }
html { font: 100%/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
  -webkit-text-size-adjust: 100%; text-size-adjust: 100%; scroll-padding-top: 1rem; }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font-variant-numeric: tabular-nums; }
.page { max-width: 76rem; margin: 0 auto; padding: clamp(1.5rem, 5vw, 4rem) clamp(1rem, 4vw, 3rem) 4rem; }
h1, h2, h3, p, ol, ul, dl, dd, figure, table { margin: 0; padding: 0; }
h1 { font-size: clamp(1.75rem, 1.2rem + 2.6vw, 2.75rem); line-height: 1.15; font-weight: 650; letter-spacing: -.018em;
  text-wrap: balance; }
h2 { font-size: 1.375rem; line-height: 1.25; font-weight: 650; letter-spacing: -.01em; }
h3 { font-size: 1rem; line-height: 1.4; font-weight: 650; }
p { text-wrap: pretty; }
a { color: var(--accent); text-underline-offset: .18em; text-decoration-thickness: 1px; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
code, .id { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Consolas, "DejaVu Sans Mono", "Liberation Mono",
  monospace; font-size: .875em; }
bdi { unicode-bidi: isolate; }
.quiet { color: var(--quiet); }
.skip { position: absolute; left: -100vw; }
.skip:focus { position: static; display: inline-block; margin: 1rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

/* The verdict */
.over { font-size: .875rem; color: var(--accent); font-weight: 600; margin-bottom: 1.25rem; }
.verdict { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1.25rem; align-items: center; }
.verdict svg { width: 3.25rem; height: 3.25rem; display: block; }
.verdict .lead { grid-column: 2; font-size: 1.125rem; color: var(--quiet); }
.tally { display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); gap: 1.125rem 1rem;
  margin-top: 2rem; padding-top: 1.25rem;
  border-top: 1px solid var(--line); }
.tally div { display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.tally .mark { white-space: normal; }
.tally dd { font-size: 1.625rem; line-height: 1.2; font-weight: 600; letter-spacing: -.01em; }
.tally dt { font-size: .875rem; color: var(--quiet); }
nav { margin-top: 1.5rem; font-size: .9375rem; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; }
nav a { display: inline-block; padding: .25rem 0; }
section { margin-top: clamp(2.75rem, 6vw, 4.5rem); }
section > h2 + p { margin-top: .375rem; max-width: 46rem; color: var(--quiet); }
section > p + *, section > h2 + :not(p) { margin-top: 1.25rem; }

/* Marks: a shape, a word, and only then a colour */
.mark { display: inline-flex; align-items: baseline; gap: .4em; font-size: .875rem; white-space: nowrap; }
.mark i { font-style: normal; font-weight: 700; width: 1em; text-align: center; flex: none; }
.alarm { color: var(--alarm); } .notice { color: var(--notice); } .calm { color: var(--calm); }

/* What needs a person */
.attention { list-style: none; border-top: 1px solid var(--line); }
.attention > li { display: grid; grid-template-columns: 8.5rem 1fr; gap: .25rem 1.5rem; padding: 1.125rem 0;
  border-bottom: 1px solid var(--line); break-inside: avoid; }
.attention h3 { font-size: 1.0625rem; }
.attention .mark { padding-top: .125rem; font-weight: 600; white-space: normal; align-self: start; }
.points { list-style: none; display: grid; gap: .625rem; margin-top: .375rem; }
.points p { max-width: 50rem; }
.hosts { font-size: .875rem; color: var(--quiet); }
.hosts .id { font-size: .8125rem; }
details { max-width: 100%; }
summary { cursor: pointer; color: var(--accent); padding: .25rem 0; width: fit-content; max-width: 100%; }
summary h3 { display: inline; font-weight: 400; }
summary:hover { text-decoration: underline; text-underline-offset: .18em; }
.more { margin-top: 1rem; }

/* Hosts and resources */
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; margin-top: 1rem;
  font-size: .875rem; color: var(--quiet); }
.scroll { overflow: auto; border: 1px solid var(--line); border-radius: 6px; max-width: 100%; position: relative; }
.tall { max-height: 42rem; max-height: max(24rem, 85vh); }
table { border-collapse: separate; border-spacing: 0; text-align: left; }
caption { text-align: left; }
.matrix { width: 100%; font-size: .875rem; }
.matrix th, .matrix td { padding: .5rem .875rem; border-bottom: 1px solid var(--line); vertical-align: top; }
.matrix tbody tr:last-child > * { border-bottom: 0; }
.matrix thead th { background: var(--wash); font-weight: 600; vertical-align: bottom; min-width: 7rem; max-width: 14rem;
  line-height: 1.35; }
.matrix thead tr:first-child th[colspan] { font-weight: 400; color: var(--quiet); padding-bottom: 0; border-bottom: 0; }
.matrix thead { position: sticky; top: 0; z-index: 2; }
.matrix th:first-child { position: sticky; left: 0; z-index: 1; background: var(--paper); min-width: 8rem;
  max-width: 18rem; border-right: 1px solid var(--line); font-weight: 600; }
.matrix thead th:first-child { background: var(--wash); z-index: 3; }
.matrix td.alarm { background: var(--alarm-wash); } .matrix td.notice { background: var(--notice-wash); }
.matrix td { white-space: nowrap; }
.matrix td.none { color: var(--quiet); }
.matrix td > i { font-style: normal; font-weight: 700; display: inline-block; width: 1.3em; }
.matrix td > p { max-width: 46rem; white-space: normal; }
.names { columns: 16rem; column-gap: 1.5rem; font-size: .8125rem; line-height: 1.6; margin-top: .5rem; }

/* What differs */
.finding { padding: 1.25rem 0; border-top: 1px solid var(--line); }
.finding > h3 a { color: inherit; }
.finding h4 { display: flex; flex-wrap: wrap; gap: .125rem 1rem; margin: .875rem 0 .25rem; font-size: .9375rem;
  font-weight: 600; }
.finding p { max-width: 50rem; }
.facts { font-size: .875rem; }
.facts > div { display: grid; grid-template-columns: 9rem 1fr 1fr; gap: .125rem 1.5rem; padding: .375rem 0; }
.facts.keys > div { grid-template-columns: 9rem 1fr; }
.facts dt { color: var(--quiet); }
.facts small { display: block; font-size: .8125rem; color: var(--quiet); }

/* When certificates end */
.time { list-style: none; border-bottom: 1px solid var(--line); }
.time li { display: grid; grid-template-columns: minmax(9rem, 17rem) 1fr 11.5rem; gap: 0 1.5rem;
  border-top: 1px solid var(--line); break-inside: avoid; font-size: .875rem; line-height: 1.4; }
.time .who, .time .when { padding: .625rem 0; }
.time .who b { font-weight: 600; display: block; }
.time .when { text-align: right; }
.time .when .mark { justify-content: flex-end; font-weight: 600; white-space: normal; }
.time small { display: block; font-size: .8125rem; color: var(--quiet); }
.time .bar { position: relative; min-height: 2.5rem; }
.time .bar > svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.time svg svg { overflow: visible; }
.time .axis { border-top: 0; }
.time .axis .bar { grid-column: 2; min-height: 1.625rem; }
.time .axis text { fill: var(--quiet); font-size: .8125rem; }
.time .grid { stroke: var(--line); stroke-width: 1; }
.time .now { stroke: var(--ink); stroke-width: 1.5; }
.time .soon { fill: var(--notice-wash); }
.time .span { stroke-width: 2; }
.time g.alarm { fill: var(--alarm); stroke: var(--alarm); }
.time g.notice { fill: var(--notice); stroke: var(--notice); }
.time g.calm { fill: var(--accent); stroke: var(--accent); }

footer { margin-top: 4.5rem; padding-top: 1.25rem; border-top: 1px solid var(--line); font-size: .875rem;
  color: var(--quiet); display: grid; gap: .5rem; max-width: none; }
footer p { max-width: 50rem; }

@media (max-width: 44rem) {
  .verdict { gap: .75rem 1rem; align-items: start; }
  .verdict svg { width: 2.5rem; height: 2.5rem; }
  .verdict .lead { grid-column: 1 / -1; }
  .tally { grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); }
  .attention > li { grid-template-columns: 1fr; }
  .matrix th, .matrix td { padding: .5rem .625rem; }
  .matrix th:first-child { min-width: 7rem; max-width: 8.5rem; }
  .matrix td > p { max-width: 10rem; }
  .time li { grid-template-columns: 1fr auto; gap: 0 1rem; }
  .time .when { grid-column: 2; grid-row: 1; }
  .time .bar, .time .axis .bar { grid-column: 1 / -1; }
  .facts > div, .facts.keys > div { grid-template-columns: 1fr; }
  .facts dt { color: var(--ink); font-weight: 600; }
  .facts:not(.keys) dd { display: grid; grid-template-columns: 4.5rem 1fr; align-items: baseline; }
  .facts:not(.keys) dd > :not(:first-child) { grid-column: 2; }
}

@media (forced-colors: active) {
  .time g { fill: CanvasText; stroke: CanvasText; }
  .time .soon { fill: Canvas; }
  .verdict svg { forced-color-adjust: auto; color: CanvasText; }
}

@page { size: auto; margin: 16mm 15mm 18mm;
  @bottom-left { content: "esx.trust audit"; font: 8pt sans-serif; color: #56616b; }
  @bottom-right { content: counter(page) " / " counter(pages); font: 8pt sans-serif; color: #56616b; } }
@page wide { size: landscape; }
@media print {
  html { font-size: 9.5pt; }
  .page { max-width: none; padding: 0; }
  nav, .skip { display: none; }
  section { margin-top: 2rem; }
  h2, section > h2 + p, h3, h4, thead { break-after: avoid; }
  .facts > div, .scroll:not(.tall) { break-inside: avoid; }
  tr, p, .points > li { break-inside: avoid; }
  .time li { grid-template-columns: 15rem 1fr 13rem; }
  .matrix td { white-space: normal; }
  thead { display: table-header-group; }
  .wide { page: wide; }
  .scroll { overflow: visible; max-height: none; border: 0; }
  .names { columns: 40mm; font-size: 7pt; }
  .matrix { font-size: 8pt; }
  .matrix th, .matrix td { padding: .3rem .4rem; min-width: 0 !important; }
  .matrix thead, .matrix th:first-child { position: static; }
  .matrix td.alarm, .matrix td.notice { background: none; font-weight: 700; }
  .many { font-size: 6.5pt; }
  .finding:not(:has(.printed)) { break-inside: avoid; }
  details.printed::details-content { content-visibility: visible; display: block; height: auto; }
  summary { color: var(--quiet); list-style: none; }
  a { color: inherit; text-decoration: none; }
  .tally dd { font-size: 1.375rem; }
}
"""
)
