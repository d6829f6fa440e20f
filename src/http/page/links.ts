import { escape } from './html.js';

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\u0000-\u001f\u007f-\u009f]+/g;
/** What ends a sentence rather than an address. */
const TAIL = /[.,;:!?)\]}]+$/;

/** A text with its addresses as links: only of the web, shown as they are, and telling nothing to where they lead. */
export function linked(text: string): string {
  if (!text.includes('://')) return escape(text);
  let done = 0;
  let whole = '';
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const address = found.replace(TAIL, '');
    if (!isPlain(address)) continue;
    whole += escape(text.slice(done, index)) + link(address);
    done = index + address.length;
  }
  return whole + escape(text.slice(done));
}

function link(address: string): string {
  const shown = escape(address);
  return `<a href="${shown}" rel="noopener noreferrer nofollow ugc" target="_blank">${shown}</a>`;
}

/** No name before the host: `https://bank.example@evil.example` looks like another address than it is. */
function isPlain(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, username, password } = new URL(address);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}
