/** A table where there is room for one, else a card for each job. */
export const TABLE_STYLE = `
main{max-width:88rem}
.states{display:flex;flex-wrap:wrap;gap:.5rem;list-style:none;padding:0;margin:1rem 0}
.states a{display:inline-flex;align-items:center;min-height:2.75rem;padding:.25rem .875rem;border:1px solid var(--line);border-radius:2rem;background:var(--paper);color:var(--ink);text-decoration:none;white-space:pre}
.states a:hover{border-color:currentColor}
.states [aria-current]{border-color:var(--blue);box-shadow:inset 0 0 0 1px var(--blue)}
.states b{font-variant-numeric:tabular-nums}
.mark,.state{color:var(--tone)}
.state{font-weight:600;white-space:nowrap}
.search{display:flex;flex-wrap:wrap;align-items:center;gap:.5rem;margin:0 0 1rem}
input{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--quiet);border-radius:.375rem;padding:.375rem .75rem;min-height:2.75rem;flex:0 1 20rem;min-width:0}
table{width:100%;border-collapse:collapse;background:var(--paper);font-size:.9375rem}
th,td{padding:.5rem .75rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
tr{border:1px solid var(--line)}
thead th{font-size:.875rem;color:var(--quiet);white-space:nowrap}
tbody th{font-weight:600;min-width:11rem}
time{font-variant-numeric:tabular-nums;white-space:nowrap}
.note{font-size:.875rem;font-weight:400}
th .note{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.8125rem}
td progress{margin-top:.375rem;height:.625rem}
td button{padding:.125rem .75rem;min-height:2rem}
.pages{display:flex;gap:1.5rem;margin-top:1rem}
.none{padding:2rem 0;color:var(--quiet)}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media (min-width:64.01rem){td:nth-child(3){width:26%;min-width:12rem}td .note{display:block}td:last-child{text-align:right}}
@media (max-width:64rem){
table,tbody,tr,th,td{display:block}
table{background:none}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tr{border-radius:.375rem;background:var(--paper);margin-bottom:.75rem;padding:.5rem .75rem}
th,td{padding:.25rem 0}
td{display:grid;grid-template-columns:6rem minmax(0,1fr)}
td::before{content:attr(data-label);content:attr(data-label)/"";color:var(--quiet);grid-row:1/9}
td>*{grid-column:2}
td:empty{display:none}
td progress{margin-top:.5rem}
td button{min-height:2.75rem}
}
`;
