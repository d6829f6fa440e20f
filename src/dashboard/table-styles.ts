/** A table where there is room for one, else a card for each job. */
export const TABLE_STYLE = `
main{max-width:88rem}
.states{display:flex;flex-wrap:wrap;gap:.5rem;list-style:none;padding:0;margin:1rem 0}
.states a{display:inline-flex;align-items:center;min-height:2.5rem;padding:.25rem .75rem;border:1px solid var(--line);border-radius:2rem;background:var(--paper);color:var(--ink);text-decoration:none;white-space:pre}
.states a:hover{border-color:currentColor}
.states [aria-current]{border-color:var(--blue);box-shadow:inset 0 0 0 1px var(--blue)}
.states b{font-variant-numeric:tabular-nums}
.mark,.state{color:var(--tone)}
.state{font-weight:600;white-space:nowrap}
.search{display:flex;flex-wrap:wrap;align-items:center;gap:.5rem;margin:0 0 1rem}
input{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--quiet);border-radius:.375rem;padding:.375rem .75rem;min-height:2.75rem;flex:1 1 8rem;min-width:0;max-width:20rem}
table{width:100%;border-collapse:collapse;background:var(--paper);font-size:.9375rem}
th,td{padding:.5rem .75rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
tr{border:1px solid var(--line)}
thead th{font-size:.875rem;color:var(--quiet);white-space:nowrap}
tbody th{font-weight:600}
.job{text-decoration:none}
.name{text-decoration:underline}
time{font-variant-numeric:tabular-nums}
.note{font-size:.875rem;font-weight:400}
th .note{display:inline-block;white-space:nowrap}
code{color:var(--quiet);font:.8125rem ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
td progress{margin-top:.375rem;height:.625rem}
td button{padding:.125rem .75rem;min-height:2rem;white-space:nowrap}
.time{white-space:nowrap}
.pages{display:flex;gap:1.5rem;margin-top:1rem}
.none{padding:2rem 0;color:var(--quiet)}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media (min-width:80.01rem){
.job code{display:block}
tbody th{min-width:13rem}
.far{width:100%;min-width:9rem;max-width:26rem}
.time .note,.time+.time .day{display:block}
td:last-child{text-align:right}
}
@media (max-width:80rem){
table,tbody,th,td{display:block}
table{background:none}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tr{display:flex;flex-wrap:wrap;align-items:start;gap:.5rem .75rem;border-radius:.375rem;background:var(--paper);margin-bottom:.75rem;padding:.75rem}
th,td{padding:0}
tbody th,.far{flex:1 0 100%;min-width:0}
td:empty{display:none}
td[data-label]::before{content:attr(data-label) " ";content:attr(data-label) " "/"";font-size:.8125rem;color:var(--quiet)}
.time{font-size:.875rem}
.time::before,.time .note{display:block}
td:last-child{margin:auto 0 0 auto}
td button{min-height:2.75rem}
}
`;
