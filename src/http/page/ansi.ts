import { parse } from '@ansi-tools/parser';
import { escape } from './html.js';
import { linked } from './links.js';

type Sgr = Readonly<Record<number, (style: Style) => void>>;

interface Style {
  /** 0 to 15. */
  ink?: number;
  paper?: number;
  marks: Set<string>;
}

const MARKS: Readonly<Record<number, string>> = { 1: 'bold', 2: 'dim', 3: 'italic', 4: 'under' };
const OTHER_MARKS: Readonly<Record<number, string>> = { 7: 'inverse', 9: 'struck' };

const UNMARK: Sgr = {
  0: (style) => reset(style),
  22: ({ marks }) => ['bold', 'dim'].forEach((mark) => marks.delete(mark)),
  23: ({ marks }) => void marks.delete('italic'),
  24: ({ marks }) => void marks.delete('under'),
  27: ({ marks }) => void marks.delete('inverse'),
  29: ({ marks }) => void marks.delete('struck'),
  39: (style) => void delete style.ink,
  49: (style) => void delete style.paper,
};

/**
 * Output of a terminal as HTML: its colours and weights as classes, every other escape dropped, addresses as links. It
 * is given piece by piece, and a colour lasts until it is changed.
 */
export class AnsiText {
  readonly #style: Style = { marks: new Set() };
  /** An escape whose end is in the next piece. */
  #rest = '';

  html(text: string): string {
    const whole = this.#rest + text;
    this.#rest = /\u001b[^\n\u0040-\u005a\u005c-\u007e]{0,40}$/.exec(whole)?.[0] ?? '';
    const ready = whole.slice(0, whole.length - this.#rest.length);
    // A line that a terminal would have written over is a line of its own here.
    const lines = ready.replace(/\r+\n?/g, '\n');
    // An escape that is not ended ends with its line: it must not swallow what comes after.
    return /[\u001b\u0080-\u009f]/.test(lines)
      ? lines
          .split(/(?<=\n)/)
          .map((line) => this.#line(line))
          .join('')
      : this.#styled(lines);
  }

  #line(line: string): string {
    const end = line.endsWith('\n') ? '\n' : '';
    const codes = parse(end ? line.slice(0, -1) : line);
    const texts = codes.map((code) => {
      if (code.type === 'TEXT') return this.#styled(code.raw);
      if (code.type === 'CSI' && code.command === 'm') {
        apply(this.#style, code.params.map(Number));
      }
      return '';
    });
    return texts.join('') + end;
  }

  #styled(text: string): string {
    const classes = classesOf(this.#style);
    const content = linked(text);
    return classes === '' || content === ''
      ? content
      : `<span class="${escape(classes)}">${content}</span>`;
  }
}

function reset(style: Style): void {
  delete style.ink;
  delete style.paper;
  style.marks.clear();
}

/** "Select graphic rendition": a list of numbers, some of which take others after them. */
function apply(style: Style, params: readonly number[]): void {
  for (let index = 0; index < Math.max(1, params.length); index++) {
    const code = params[index] ?? 0;
    const mark = MARKS[code] ?? OTHER_MARKS[code];
    if (mark) style.marks.add(mark);
    else if (code === 38 || code === 48)
      index += applyExtended(style, code, params.slice(index + 1));
    else if (UNMARK[code]) UNMARK[code](style);
    else applyColour(style, code);
  }
}

function applyColour(style: Style, code: number): void {
  const [family, colour] = [Math.floor(code / 10), code % 10];
  if (colour > 7) return;
  if (family === 3) style.ink = colour;
  if (family === 9) style.ink = colour + 8;
  if (family === 4) style.paper = colour;
  if (family === 10) style.paper = colour + 8;
}

/** One of 256 colours, or any: the nearest of the sixteen that can be read in both themes. Gives how many numbers it took. */
function applyExtended(style: Style, code: number, [kind, ...rest]: readonly number[]): number {
  const key = code === 38 ? 'ink' : 'paper';
  if (kind === 5) style[key] = ofPalette(rest[0] ?? 0);
  // The parser gives "38:2::r:g:b" and "38:2:r:g:b" with the colour space in between.
  if (kind === 2) style[key] = nearest(rest[0] ?? 0, rest[1] ?? 0, rest[2] ?? 0);
  return kind === 5 ? 2 : kind === 2 ? 4 : 1;
}

function ofPalette(index: number): number {
  if (!(index >= 0 && index <= 255)) return 7;
  if (index < 16) return index;
  if (index >= 232) return nearest(...grey((index - 232) * 10 + 8));
  const cube = index - 16;
  const level = (step: number): number => (Math.floor(cube / step) % 6) * 51;
  return nearest(level(36), level(6), level(1));
}

function grey(level: number): [number, number, number] {
  return [level, level, level];
}

/** Red, green and blue are bits of a colour's number, as in every terminal. */
function nearest(red: number, green: number, blue: number): number {
  const brightest = Math.max(red, green, blue);
  if (!(brightest > 40)) return 0;
  const bits = [red, green, blue].map((level, bit) => (level > brightest * 0.6 ? 1 << bit : 0));
  return bits.reduce((sum, bit) => sum + bit, 0) + (brightest > 200 ? 8 : 0);
}

function classesOf({ ink, paper, marks }: Style): string {
  const names = [...marks].map((mark) => `a-${mark}`);
  if (paper !== undefined) names.push(`paper${paper % 8}`);
  // On a coloured paper the ink is the one that can be read there.
  else if (ink !== undefined) names.push(`ink${ink % 8}`);
  return names.join(' ');
}
