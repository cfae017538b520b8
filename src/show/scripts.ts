/**
 * The few scripts of what is shown. A page runs them where it is trusted; without them everything is there to be read.
 * Each finds what it is for by class, as several outputs may bring the same script, and touches nothing twice.
 */

/** A click on a heading sorts by that column, another click the other way round; numbers by value, empty cells last. */
const SORT_TABLES = `
for (const table of document.querySelectorAll('table.dpo-sortable:not([data-ready])')) {
  table.dataset.ready = 'yes';
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    heading.style.cursor = 'pointer';
    heading.title = 'sort';
    heading.addEventListener('click', () => {
      const down = heading.dataset.order === 'up';
      for (const other of headings) { delete other.dataset.order; other.textContent = other.textContent.replace(/ [▲▼]$/, ''); }
      heading.dataset.order = down ? 'down' : 'up';
      heading.textContent += down ? ' ▼' : ' ▲';
      const valueOf = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const compare = (a, b) => {
        const [x, y] = [valueOf(a), valueOf(b)];
        if (x === '' || y === '') return (x === '') - (y === '');
        const order = x !== '' && y !== '' && isFinite(x) && isFinite(y) ? x - y : x.localeCompare(y);
        return down ? -order : order;
      };
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
    });
  });
}`;

/** Answers of a blind comparison: a click chooses, uncovers that pair, and keeps the answers as JSON to copy or save. */
const BLIND_AB = `
for (const form of document.querySelectorAll('div.dpo-blind:not([data-ready])')) {
  form.dataset.ready = 'yes';
  const questions = [...form.querySelectorAll('[data-question]')];
  const result = form.querySelector('.dpo-blind-result');
  const answers = {};
  const tell = () => {
    const done = Object.keys(answers).length;
    const text = JSON.stringify({ of: form.dataset.of, answers }, null, 1);
    const link = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    result.innerHTML = '<div></div><textarea rows="4" style="width:100%;max-width:480px" readonly></textarea><div><a download="answers.json">save as answers.json</a></div>';
    result.firstChild.textContent = done + ' of ' + questions.length + ' answered';
    result.querySelector('textarea').value = text;
    result.querySelector('a').href = link;
  };
  for (const question of questions) {
    const key = question.querySelector('details');
    key.hidden = true;
    for (const choice of question.querySelectorAll('[data-choice]')) {
      const button = document.createElement('button');
      button.textContent = choice.textContent;
      button.style.cursor = 'pointer';
      button.addEventListener('click', () => {
        answers[question.dataset.question] = choice.dataset.choice;
        for (const other of question.querySelectorAll('button')) { other.disabled = true; other.style.fontWeight = other === button ? 'bold' : 'normal'; }
        key.hidden = false;
        key.open = true;
        tell();
      });
      choice.replaceChildren(button);
    }
  }
}`;

const inPage = (source: string) => `<script>(() => {${source}\n})();</script>`;

export const SORTING = inPage(SORT_TABLES);
export const BLIND = inPage(BLIND_AB);
