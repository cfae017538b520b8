import assert from 'node:assert/strict';
import { JSDOM } from 'jsdom';
import type { CellOutput, Notebook } from '../../src/cli/notebook-file';
import { reportHtml } from '../../src/cli/report';
import { highlight } from '../../src/cli/report-code';
import { sanitizeHtml, stripAnsi } from '../../src/cli/report-html';
import { renderMarkdown } from '../../src/cli/report-markdown';
import { renderOutput } from '../../src/cli/report-output';

const display = (data: { readonly [mime: string]: unknown }): CellOutput => ({
  output_type: 'display_data',
  data,
  metadata: {},
});

const notebook = (outputs: readonly CellOutput[]): Notebook => ({
  nbformat: 4,
  nbformat_minor: 5,
  metadata: {},
  cells: [
    { cell_type: 'markdown', id: 'a', metadata: {}, source: '# A title\n\n## 1. The *first* part' },
    {
      cell_type: 'code',
      id: 'b',
      metadata: {},
      source: 'const a = 1;',
      execution_count: 1,
      outputs,
    },
  ],
});

describe('reportHtml', () => {
  const figure = { data: [{ y: [1, 2], name: '"quoted" & </script>' }], layout: {} };
  const bundle = {
    'application/vnd.plotly.v1+json': figure,
    'image/png': 'iVBO',
    'text/plain': 'two',
  };

  it('is one page that may connect to nothing and names no other file', () => {
    const html = reportHtml(notebook([display(bundle)]));
    const { document } = new JSDOM(html).window;
    const policy = document.querySelector('meta[http-equiv]')?.getAttribute('content') ?? '';
    assert.match(policy, /^default-src 'none'/);
    assert.doesNotMatch(policy, /http/);
    for (const element of document.querySelectorAll('[src], link, [href]')) {
      const address = element.getAttribute('src') ?? element.getAttribute('href') ?? '';
      assert.match(address, /^(data:|#)/);
    }
  });

  it('carries the figure, its picture, and plotly once', () => {
    const html = reportHtml(notebook([display(bundle), display(bundle)]));
    const { document } = new JSDOM(html).window;
    const [place] = document.querySelectorAll<HTMLElement>('.figure');
    assert.deepEqual(JSON.parse(place?.dataset.figure ?? ''), figure);
    assert.equal(place?.querySelector('img')?.alt, 'two');
    assert.equal(document.querySelectorAll('script').length, 2);
    assert.match(document.querySelectorAll('script')[0]?.textContent ?? '', /plotly\.js v4/);
  });

  it('leaves plotly out where there is no figure', () => {
    assert.ok(reportHtml(notebook([])).length < 20_000);
  });

  it('has the title, and a link to each chapter that leads there', () => {
    const { document } = new JSDOM(reportHtml(notebook([]))).window;
    assert.equal(document.title, 'A title');
    const link = document.querySelector('nav a');
    assert.equal(link?.textContent, '1. The first part');
    const target = document.getElementById((link?.getAttribute('href') ?? '').slice(1));
    assert.equal(target?.localName, 'h2');
  });

  it('gives headings that come again ids of their own', () => {
    const cell = { cell_type: 'markdown', id: 'm', metadata: {}, source: '## Again' } as const;
    const { cells, ...rest } = notebook([]);
    const html = reportHtml({ ...rest, cells: [...cells, cell, { ...cell, id: 'n' }] });
    const { document } = new JSDOM(html).window;
    const links = [...document.querySelectorAll('nav a')].map((link) => link.getAttribute('href'));
    assert.deepEqual(links, ['#1-the-first-part', '#again', '#again-2']);
    for (const link of links)
      assert.equal(document.querySelectorAll(link?.replace('#1', '#\\31 ') ?? '').length, 1);
  });
});

describe('renderOutput', () => {
  it('takes JPEG and SVG as pictures, and says what they are', () => {
    const jpeg = renderOutput(display({ 'image/jpeg': '/9j/\n', 'text/plain': 'a cat' }));
    assert.equal(jpeg, '<img src="data:image/jpeg;base64,/9j/" alt="a cat">');
    const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>x</script></svg>';
    const html = renderOutput(display({ 'image/svg+xml': svg }));
    const [, base64 = ''] =
      /^<img src="data:image\/svg\+xml;base64,(.*)" alt="picture">$/.exec(html) ?? [];
    assert.equal(Buffer.from(base64, 'base64').toString(), svg);
  });

  it('prefers a page, then a picture, then text', () => {
    assert.equal(renderOutput(display({ 'text/html': '<b>x</b>', 'text/plain': 'x' })), '<b>x</b>');
    assert.match(
      renderOutput(display({ 'image/png': 'iVBO', 'text/plain': 'x' })),
      /<img .*alt="x"/,
    );
    assert.match(renderOutput(display({ 'text/plain': '<x>' })), /&lt;x&gt;/);
  });

  it('shows errors without colour codes', () => {
    const traceback = ['\u001b[31mRangeError\u001b[39m: no'];
    const html = renderOutput({
      output_type: 'error',
      ename: 'RangeError',
      evalue: 'no',
      traceback,
    });
    assert.equal(html, '<pre class="error">RangeError: no</pre>');
  });
});

describe('sanitizeHtml', () => {
  it('drops scripts, handlers, addresses and styles that reach out', () => {
    const hostile = [
      '<script>alert(1)</script><p onclick="x()">text</p>',
      '<img src="https://example.org/x.png" alt="a"><a href="javascript:x()">b</a>',
      '<p style="background:url(https://example.org)">c</p><iframe src="x"></iframe>',
      '<svg><script>x</script></svg><custom-tag>d</custom-tag>',
    ].join('');
    assert.equal(sanitizeHtml(hostile), '<p>text</p><img alt="a"><a>b</a><p>c</p>d');
  });

  it('keeps pictures given as data, tables and formulas', () => {
    const fine =
      '<img src="data:image/png;base64,AA" alt="x"><table><tbody><tr><td>1</td></tr></tbody></table>';
    assert.equal(sanitizeHtml(fine), fine);
    assert.match(sanitizeHtml('<math><mi>x</mi></math>'), /<math><mi>x<\/mi><\/math>/);
  });
});

describe('renderMarkdown', () => {
  it('turns formulas into MathML, in a line and on their own', () => {
    assert.match(
      renderMarkdown('loss $\\log(1 + e^{-x})$ here'),
      /<p>loss .*<math.*<mi>x<\/mi>.*here<\/p>/s,
    );
    assert.match(renderMarkdown('$$\\tfrac12$$'), /<math[^>]*display="block".*<mfrac>/s);
  });

  it('takes prices and HTML as text', () => {
    assert.match(renderMarkdown('from $5 to $6'), /from \$5 to \$6/);
    assert.match(renderMarkdown('a <b onclick="x">b</b>'), /&lt;b onclick=/);
  });
});

describe('highlight', () => {
  it('colours comments, strings, numbers and keywords, and keeps the text', () => {
    const code = "const a = 'if'; // 1 < 2";
    const html = highlight(code);
    assert.equal(
      html,
      '<span class="keyword">const</span> a = <span class="string">&#39;if&#39;</span>; <span class="comment">// 1 &lt; 2</span>',
    );
    assert.equal(new JSDOM(html).window.document.body.textContent, code);
  });
});

describe('stripAnsi', () => {
  it('removes colours only', () => {
    assert.equal(stripAnsi('\u001b[1;31mred\u001b[0m [2]'), 'red [2]');
  });
});
