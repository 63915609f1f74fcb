/**
 * The style of every page, as CSS. Light and dark follow the reader's system; paper is light. Text has at least 4.5:1 with its
 * ground and marks at least 3:1, in both; a browser test measures it.
 */
import { FONT, WIDTH_PX } from './theme.ts';

const LIGHT = `--ground:#ffffff;--panel:#f5f6f8;--ink:#1b1f24;--soft:#555c66;--rule:#dde0e5;--on-colour:#ffffff;
--good:#00664a;--bad:#a82a00;--mixed:#735100;--accent:#005a8e;
--c1:#0072b2;--c2:#c44e00;--c3:#00805c;--c4:#a8568b;--c5:#946800;--c6:#2376a6;--c7:#7a4a2b;--c8:#6d737c;`;
const DARK = `--ground:#14171b;--panel:#1e2228;--ink:#e8eaed;--soft:#a9b0ba;--rule:#343a42;--on-colour:#14171b;
--good:#4fd0a5;--bad:#ff9470;--mixed:#e6bd55;--accent:#74c0ef;
--c1:#56b4e9;--c2:#ff8c42;--c3:#2fc297;--c4:#e08fc0;--c5:#e3b53c;--c6:#8fd0f5;--c7:#c99b78;--c8:#9aa1ab;`;

export const STYLE = `
:root{color-scheme:light;${LIGHT}}
@media screen and (prefers-color-scheme:dark){:root{color-scheme:dark;${DARK}}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 ${FONT}}
main{max-width:1152px;margin:0 auto;padding:40px 24px 64px}
header{margin-bottom:28px}
h1{font-size:32px;line-height:1.2;margin:4px 0 12px;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:21px;margin:48px 0 16px;padding-bottom:6px;border-bottom:1px solid var(--rule)}
h3{font-size:16px;margin:0 0 6px}
p{margin:0 0 10px}
.kind{color:var(--soft);font-size:14px;letter-spacing:.02em;margin:0}
.badge{display:inline-block;margin-left:8px;padding:1px 10px;border:1px solid;border-radius:99px;font-weight:600}
.badge.good,.good{color:var(--good)}.badge.bad,.bad{color:var(--bad)}.badge.mixed,.mixed{color:var(--mixed)}
.lead{font-size:18px;max-width:62em;overflow-wrap:anywhere}
.about{color:var(--soft);font-size:14px;overflow-wrap:anywhere}
.figures{display:flex;flex-wrap:wrap;gap:1px;margin:0;background:var(--rule);border:1px solid var(--rule);border-radius:8px;overflow:hidden}
.figures>div{flex:1 1 132px;background:var(--panel);padding:12px 16px}
.figures dt{font-size:13px;color:var(--soft)}
.figures dd{margin:2px 0 0}
.figures .value{display:block;font-size:24px;font-weight:600;line-height:1.25;font-variant-numeric:tabular-nums}
.figures .note{display:block;font-size:13px;color:var(--soft)}
.plot{display:grid;grid-template-columns:${WIDTH_PX}px minmax(0,1fr);gap:0 32px;margin:0 0 36px;break-inside:avoid}
.plot figcaption{grid-column:2;padding-top:8px}
.plot .drawing{grid-column:1;grid-row:1;overflow-x:auto}
.plot figcaption p{font-size:15px;color:var(--soft);overflow-wrap:anywhere}
.drawing svg{display:block;max-width:none}
.keys{list-style:none;margin:12px 0 0;padding:0;font-size:14px}
.keys li{display:flex;align-items:baseline;gap:8px;margin:2px 0;overflow-wrap:anywhere}
.keys .value{margin-left:auto;padding-left:12px;font-variant-numeric:tabular-nums;white-space:nowrap}
.mark{flex:none;display:inline-block;width:18px;height:12px;position:relative;top:1px;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.mark.block{background:var(--mark);border-radius:2px}
.mark.line,.mark.dashed{height:0;top:-4px;border-top:3px solid var(--mark)}
.mark.dashed{border-top-style:dashed}
.mark.bar{width:2px;margin:0 8px;background:var(--mark)}
.mark.point{width:10px;height:10px;margin:0 4px;border-radius:50%;background:var(--mark)}
.mark svg{position:absolute;width:11px;height:11px;left:3px;top:-7px}
.mark.shape svg{top:0}
.ramp{height:12px;border-radius:2px;margin:10px 0 2px;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.ends{display:flex;justify-content:space-between;font-size:14px;color:var(--soft)}
.table{margin:0 0 32px}
.scroll{overflow-x:auto}
.scroll:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
table{border-collapse:collapse;font-size:14px;line-height:1.4;font-variant-numeric:tabular-nums}
th,td{padding:6px 14px 6px 0;vertical-align:top;border-bottom:1px solid var(--rule);text-align:right;white-space:nowrap}
th:last-child,td:last-child{padding-right:0}
th.words,td.words{text-align:left;padding-left:12px;white-space:normal;overflow-wrap:break-word}
thead th{color:var(--soft);font-weight:500;vertical-align:bottom;white-space:normal}
tbody th{font-weight:500}
tr>:first-child{padding-left:0!important}
ul.notes{margin:0 0 18px;padding-left:20px;max-width:62em}
ul.notes li{margin:0 0 4px}
pre{background:var(--panel);border:1px solid var(--rule);border-radius:8px;padding:12px 16px;overflow-x:auto;font:13px/1.5 ui-monospace,'Cascadia Mono',Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
code{font:13px ui-monospace,'Cascadia Mono',Menlo,Consolas,monospace}
.made p,.made summary{font-size:14px;color:var(--soft)}
summary{cursor:pointer}
@media (max-width:1127px){
.plot{display:block}
.plot figcaption{padding:0 0 4px;max-width:${WIDTH_PX}px}
.plot figcaption p{margin-bottom:4px}
.keys{display:flex;flex-wrap:wrap;gap:2px 20px;margin-top:6px}
.keys .value{padding-left:0;margin-left:0}
}
@media print{
@page{margin:14mm}
body{font-size:11pt}
main{max-width:none;padding:0}
.plot{display:block}
.keys{display:flex;flex-wrap:wrap;gap:2px 20px}
.drawing svg{max-width:100%;height:auto}
.scroll{overflow:visible}
table{font-size:9pt}
h2{break-after:avoid}
tr{break-inside:avoid}
details>*{display:block}
}
`;
