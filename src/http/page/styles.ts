/** Colours by role. In both themes every ink can be read on paper and on ground (4.5:1 or more). */
const COLOURS = `
:root{color-scheme:light dark;--ground:#f7f6f3;--paper:#fff;--ink:#1d1c1a;--quiet:#5b5852;--line:#d8d4cc;
--blue:#0b57c4;--green:#17683a;--red:#b3241a;--yellow:#765000;--purple:#8a2a88;--teal:#0a616d;--black:#1d1c1a}
@media (prefers-color-scheme:dark){:root{--ground:#141518;--paper:#1c1e22;--ink:#ececee;--quiet:#a9abb3;--line:#3a3d44;
--blue:#8ab8ff;--green:#78d494;--red:#ff9d94;--yellow:#e6b96a;--purple:#e3a0e2;--teal:#74d2de;--black:#a9abb3}}
`;

/** What every page has. */
const COMMON = `
*{box-sizing:border-box}
html{background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif;-webkit-text-size-adjust:100%}
body{margin:0}
main{display:block;max-width:52rem;margin:0 auto;padding:clamp(1rem,4vw,3rem) clamp(1rem,4vw,2rem)}
h1,h2,h3,p,pre,ul{margin:0}
h1{font-size:1.5rem;line-height:1.25;overflow-wrap:anywhere}
h2{font-size:1rem;margin:0 0 .5rem}
a{color:var(--blue)}
:focus-visible{outline:3px solid var(--blue);outline-offset:2px}
.kind,.note,footer{color:var(--quiet)}
.kind{font-size:.875rem}
.mark{display:inline-block;width:1.4em;text-align:center;margin-right:.25em}
.is-running{--tone:var(--blue)}.is-completed{--tone:var(--green)}.is-failed{--tone:var(--red)}
.is-queued,.is-scheduled,.is-cancelled{--tone:var(--quiet)}
progress{display:block;width:100%;height:.75rem;margin:.5rem 0 .25rem;appearance:none;border:1px solid var(--line);border-radius:1rem;background:var(--paper);overflow:hidden;color:var(--tone)}
progress::-webkit-progress-bar{background:var(--paper)}
progress::-webkit-progress-value{background:var(--tone)}
progress::-moz-progress-bar{background:var(--tone)}
progress:not([value])::-webkit-progress-bar{background:repeating-linear-gradient(-45deg,var(--tone) 0 .5rem,var(--paper) .5rem 1rem);background-size:1.4142rem 100%;animation:on 1s linear infinite}
@keyframes on{to{background-position-x:1.4142rem}}
@media (prefers-reduced-motion:reduce){progress:not([value])::-webkit-progress-bar{animation:none}}
.far{overflow-wrap:anywhere}
.far b{font-variant-numeric:tabular-nums}
button{font:inherit;color:var(--red);background:var(--paper);border:1px solid currentColor;border-radius:.375rem;padding:.375rem 1rem;min-height:2.75rem;cursor:pointer}
button:hover{color:var(--paper);background:var(--red)}
.calm button{color:var(--blue)}
.calm button:hover{color:var(--paper);background:var(--blue)}
footer{margin-top:1.5rem;font-size:.875rem;overflow-wrap:anywhere}
footer p+p{margin-top:.25rem}
@media print{progress{print-color-adjust:exact}}
@media (forced-colors:active){progress{border-color:CanvasText;forced-color-adjust:none}}
`;

/**
 * What streams in. Of a part that is sent again and again, only the last is shown: `:has(~…)`, since `:last-of-type`
 * holds in Chromium only once the parent is parsed to its end, which here is the end of the job.
 */
const PARTS = `
main>section:has(~section),main>article:has(~article),main>p:has(~p){display:none}
main:has(>.over)>form:not(.calm),main:has(>.over) .while{display:none}
.state{font-size:1.25rem;margin-top:1rem}
.state strong{font-weight:700}
.state+p{margin-top:.125rem}
.state .mark,.state strong{color:var(--tone)}
.state .mark{text-align:left;width:1.2em}
form{margin-top:1rem}
nav{margin-bottom:.75rem}
article,.outcome{display:block;margin-top:1.5rem}
article ul{list-style:none;padding:0}
article ul ul{padding-left:1rem;border-left:1px solid var(--line);margin:.25rem 0 0 .5rem}
li{margin:.5rem 0;padding-left:1.65em}
li>.mark{margin-left:-1.65em}
.name{overflow-wrap:anywhere;font-weight:600}
li .mark{color:var(--tone)}
li progress{height:.5rem;max-width:20rem}
.outcome pre,.log-look{font:.875rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
.outcome pre,.fault{background:var(--paper);border:1px solid var(--line);border-radius:.375rem;padding:.75rem}
.outcome pre{max-height:24rem;overflow:auto}
.fault{border-left:.375rem solid var(--tone,var(--line));overflow-wrap:anywhere;white-space:pre-wrap}
.fault+pre{margin-top:.5rem}
aside{display:block;margin-top:1.5rem;padding:.75rem;border:1px solid var(--line);border-left:.375rem solid var(--yellow);background:var(--paper)}
`;

/** The output: terminal colours by number, so that each theme has its own. */
const TERMINAL = `
.err{box-shadow:-.375rem 0 0 -.125rem var(--yellow)}
.attempt{display:block;font:700 .875rem/1.5 system-ui,sans-serif;color:var(--quiet);border-top:1px solid var(--line);margin:.75rem 0 .25rem;padding-top:.5rem}
.gap{display:block;font-style:italic;color:var(--quiet)}
.a-bold{font-weight:700}.a-dim{color:var(--quiet)}.a-italic{font-style:italic}
.a-under{text-decoration:underline}.a-struck{text-decoration:line-through}.a-under.a-struck{text-decoration:underline line-through}
.ink0{color:var(--black)}.ink1{color:var(--red)}.ink2{color:var(--green)}.ink3{color:var(--yellow)}
.ink4{color:var(--blue)}.ink5{color:var(--purple)}.ink6{color:var(--teal)}.ink7{color:var(--ink)}
.paper0,.paper1,.paper2,.paper3,.paper4,.paper5,.paper6,.paper7,.a-inverse{color:var(--paper)}
.paper0{background:var(--black)}.paper1{background:var(--red)}.paper2{background:var(--green)}.paper3{background:var(--yellow)}
.paper4{background:var(--blue)}.paper5{background:var(--purple)}.paper6{background:var(--teal)}.paper7,.a-inverse{background:var(--ink)}
[class^=paper] a,.a-inverse a,[class*=" paper"] a{color:inherit}
`;

/** Where the parts stand, in whichever order they come: the style of the shadow root. */
export const FRAME_STYLE = `
.output{display:block;margin-top:1.5rem}
h2{font-size:1rem;margin:0 0 .5rem}
.log{display:flex;flex-direction:column-reverse;max-height:min(32rem,70vh);overflow:auto;background:var(--paper);border:1px solid var(--line);border-radius:.375rem;padding:.75rem;
font:.875rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.log:focus-visible{outline:3px solid var(--blue);outline-offset:2px}
.lines{white-space:pre-wrap;overflow-wrap:anywhere;min-width:0;unicode-bidi:plaintext}
.none{color:var(--quiet);font-family:system-ui,sans-serif}
.said{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media print{.log{max-height:none}}
`;

/** Of any page. */
export const COMMON_STYLE = COLOURS + COMMON;

export const PAGE_STYLE = COMMON_STYLE + PARTS + TERMINAL;
