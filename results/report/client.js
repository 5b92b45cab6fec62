// @ts-nocheck: the project is compiled for Node, which knows no `document`.
// Runs in the reader's browser, after the page: filters and sorts the tables. Without it the page only loses that.
document.documentElement.classList.add('js');

const isPressed = (button) => button.getAttribute('aria-pressed') === 'true';

for (const filter of document.querySelectorAll('.filter')) {
  const rows = [...document.querySelectorAll(`#${filter.dataset.table} tbody tr`)];
  const input = filter.querySelector('input');
  const buttons = [...filter.querySelectorAll('button')];
  const apply = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const pressed = buttons.filter(isPressed).map((button) => button.dataset.verdict);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const verdicts = (row.dataset.verdicts ?? '').split(' ');
      const isShown =
        words.every((word) => text.includes(word)) &&
        (pressed.length === 0 || pressed.some((verdict) => verdicts.includes(verdict)));
      row.hidden = !isShown;
    }
  };
  input.addEventListener('input', apply);
  for (const button of buttons) {
    button.addEventListener('click', () => {
      button.setAttribute('aria-pressed', String(!isPressed(button)));
      apply();
    });
  }
}

const collator = new Intl.Collator('en', { numeric: true });

for (const head of document.querySelectorAll('th[aria-sort]')) {
  head.querySelector('button').addEventListener('click', () => {
    const table = head.closest('table');
    const column = [...head.parentElement.children].indexOf(head);
    const direction = head.getAttribute('aria-sort') === 'ascending' ? -1 : 1;
    for (const other of table.querySelectorAll('th[aria-sort]')) other.setAttribute('aria-sort', 'none');
    head.setAttribute('aria-sort', direction === 1 ? 'ascending' : 'descending');
    const keyOf = (row) => row.children[column].dataset.key ?? row.children[column].textContent.trim();
    // Collation reads no signs, fractions or exponents; numbers are compared as such, and nothing at all comes last.
    const isNumeric = (key) => key !== '' && Number.isFinite(Number(key));
    const order = (a, b) => (isNumeric(a) && isNumeric(b) ? a - b : collator.compare(a, b));
    const compare = (a, b) => {
      const [one, other] = [keyOf(a), keyOf(b)];
      if (one === '' || other === '') return (one === '') - (other === '');
      return direction * order(one, other);
    };
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort(compare));
  });
}
