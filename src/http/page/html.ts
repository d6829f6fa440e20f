import { toUSVString } from 'node:util';

/** Text that is HTML already. */
export class Html {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

type Part = string | number | Html | undefined | null | false | readonly Part[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

// These turn the direction of whatever stands around them, so that a text reads as another than it is.
const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;
// A tab and a line's end are text; the rest of C0, DEL and C1 is for terminals.
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Any text as a text of HTML, in content and between quotes: no markup, no controls, no broken characters. */
export function escape(text: string): string {
  return toUSVString(text)
    .replace(CONTROLS, '')
    .replace(TURNING, '\ufffd')
    .replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/** HTML with every value escaped that is not HTML. Nothing stands for `undefined`, `null` and `false`. */
export function markup(texts: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(texts.reduce((whole, text, index) => whole + render(parts[index - 1]) + text));
}

function render(part: Part): string {
  if (part === undefined || part === null || part === false) return '';
  if (part instanceof Html) return part.text;
  if (Array.isArray(part)) return (part as readonly Part[]).map(render).join('');
  return escape(String(part));
}
