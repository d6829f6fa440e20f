// One row's figures, in a process of their own, so that no row's garbage or compiled code falls on another.
const [name, mode] = process.argv.slice(2);
const { measure } = await import(`./rows/${name}.js`);
const rows = await measure({ smoke: mode === 'smoke' });
// Over a channel of its own: the standard output belongs to what is measured.
process.send(rows, () => process.disconnect());
