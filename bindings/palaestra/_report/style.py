"""How the page looks: wide, on a telephone, and on paper."""

STYLE = """
:root { --ink: #1b1f24; --soft: #59636e; --line: #d9dee3; --page: #ffffff; --card: #f6f8fa;
  --good: #1a7f37; --bad: #b3261e; --open: #8a6100; --link: #0b57d0; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 4rem; color: var(--ink);
  background: var(--page); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: .2rem 0 .4rem; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; padding-top: .8rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p { margin: .4rem 0; } p, h1, h2, h3, figcaption { overflow-wrap: break-word; }
.soft { color: var(--soft); font-size: .9rem; }
nav a { margin-right: 1rem; } a { color: var(--link); }
.claim { font-size: 1.05rem; }
.verdict { display: inline-block; white-space: nowrap; padding: 0 .55em; border-radius: 1em;
  font-size: .85rem; font-weight: 600; border: 1.5px solid currentColor; }
.passed, .supported { color: var(--good); } .failed, .not-supported { color: var(--bad); }
.inconclusive { color: var(--open); }
.scroll { overflow-x: auto; -webkit-overflow-scrolling: touch; }
table { border-collapse: collapse; width: 100%; font-size: .92rem;
  font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { color: var(--soft); font-weight: 600; }
td.number, th.number { text-align: right; white-space: nowrap; }
td .why { display: block; color: var(--soft); font-size: .92em; overflow-wrap: anywhere; }
@media (min-width: 50rem) { .gates td:nth-child(2) { min-width: 24rem; } }
figure { margin: 1rem 0; } figure svg { max-width: 100%; height: auto; }
.figures { display: grid; gap: 0 1.5rem; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); }
.gallery { display: flex; flex-wrap: wrap; gap: .5rem 1rem; }
.gallery figure { width: min(13rem, calc(50% - .5rem)); margin: .4rem 0; }
.gallery img { width: 100%; height: auto; border: 1px solid var(--line); border-radius: 4px; }
figcaption { color: var(--soft); font-size: .88rem; }
pre { background: var(--card); padding: .7rem; overflow-x: auto; font-size: .82rem; }
details > summary { cursor: pointer; color: var(--link); }
.failure { border-left: 4px solid var(--bad); background: var(--card); padding: .5rem .8rem; }
.warning { border-left: 4px solid var(--open); background: var(--card); padding: .5rem .8rem; }
@media (max-width: 40rem) {
  .gates thead { display: none; } .gates tr { display: block; padding: .6rem 0;
    border-bottom: 1px solid var(--line); }
  .gates td { display: block; border: 0; padding: .1rem 0; text-align: left; }
  .gates td:not([data-name=""]):not(:empty)::before {
    content: attr(data-name) ": "; color: var(--soft); } }
@media print { body { max-width: none; font-size: 10pt; padding: 0; } details { display: none; }
  .scroll { overflow: visible; } th, td { padding: .25rem .35rem; } table { font-size: .85em; }
  .figures { grid-template-columns: 1fr 1fr; gap: 0 1rem; }
  h2, h3 { break-after: avoid; } figure, tr, .failure, .warning { break-inside: avoid; }
  a { color: inherit; text-decoration: none; } }
"""
