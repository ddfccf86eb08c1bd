/** Looks of the page of html.ts, for light and dark screens. */
export const STYLE = `
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }
body { margin: 1.5rem; }
h1 { font-size: 1.3rem; margin: 0; }
label { margin-right: 1.5rem; }
table { border-collapse: collapse; }
th, td { padding: .2rem .6rem; text-align: left; border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent); }
thead th { position: sticky; top: 0; background: Canvas; vertical-align: bottom; }
tbody th { font: 13px ui-monospace, monospace; }
small { font-weight: normal; opacity: .7; }
.yes { color: light-dark(#0a6b2d, #6fd08c); }
.taints { color: light-dark(#8a5a00, #e5b454); }
.no { color: light-dark(#b3152b, #ff8b95); }
td button { all: unset; cursor: pointer; text-decoration: underline dotted; }
td button:focus-visible { outline: 2px solid; }
dialog { max-width: 70rem; }
dialog h2 { font-size: 1rem; margin: 0; }
pre { white-space: pre-wrap; }
`;

/** What the page of html.ts does: rows are narrowed down, a verdict's reasons shown. */
export const SCRIPT = `
const texts = JSON.parse(document.getElementById('texts').textContent);
const dialog = document.getElementById('reasons');
const filter = document.getElementById('filter');
const refused = document.getElementById('refused');
const rows = [...document.querySelectorAll('tbody tr')];
const heads = [...document.querySelectorAll('thead th')];
const narrow = () => {
  const wanted = filter.value.trim().toLowerCase();
  for (const row of rows)
    row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted) || (refused.checked && row.className !== 'refused');
};
filter.addEventListener('input', narrow);
refused.addEventListener('change', narrow);
document.querySelector('tbody').addEventListener('click', ({ target }) => {
  if (target.dataset.r === undefined) return;
  const cell = target.closest('td');
  const kernel = heads[cell.cellIndex].firstChild.textContent;
  dialog.querySelector('h2').textContent = cell.parentElement.cells[0].textContent + ' on ' + kernel + ': ' + target.textContent;
  dialog.querySelector('pre').textContent = texts[target.dataset.r];
  dialog.showModal();
});
`;
