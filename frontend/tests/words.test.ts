import { describe, expect, it } from 'vitest';
import { colorModeOf } from '../src/host/color';
import { themeIn } from '../src/host/connect';
import { senderIn } from '../src/mails/people';
import { factsOf, stepName } from '../src/mails/steps';
import { canRetry, MAIL_STATES, outcomeOf, whyOf, wordFor } from '../src/parts/words';
import { debounced } from '../src/parts/debounced';
import { shortMoment, sizeOf } from '../src/parts/moments';

describe('words', () => {
  it('tell an issue from a comment', () => {
    expect(outcomeOf({ state: 'handled', outcome: 'issue' }).label).toBe('New issue');
    expect(outcomeOf({ state: 'handled', outcome: 'comment' }).label).toBe('Comment');
    expect(outcomeOf({ state: 'held', outcome: null }).label).toBe('Held');
  });
  it('say why in one line, also where the service gives no reason', () => {
    expect(whyOf({ state: 'ignored', outcome: 'none', reason: 'Automatic mail.' })).toBe('Automatic mail.');
    expect(whyOf({ state: 'handled', outcome: 'comment', reason: null })).toMatch(/belongs to an issue/);
    expect(whyOf({ state: 'handled', outcome: 'issue', reason: null })).toMatch(/no mail of an issue/);
    expect(whyOf({ state: 'received', outcome: null, reason: null })).toBe('');
  });
  it('show a state of a newer server as it is', () => expect(wordFor(MAIL_STATES, 'resting').label).toBe('resting'));
  it('offer another try where mail waits for a person', () => {
    expect(['received', 'delivering', 'handled', 'ignored', 'held', 'failed'].filter(canRetry)).toEqual(['held', 'failed']);
  });
});

describe('a sender', () => {
  it.each([
    ['Cora <cora@x.y>', { name: 'Cora', address: 'cora@x.y' }],
    ['"Last, First" <f@x.y>', { name: 'Last, First', address: 'f@x.y' }],
    ['cora@x.y', { name: 'cora@x.y', address: null }],
    ['<cora@x.y>', { name: 'cora@x.y', address: null }],
    ['', { name: 'Unknown sender', address: null }],
    [null, { name: 'Unknown sender', address: null }],
  ])('reads well: %s', (from, expected) => expect(senderIn(from)).toEqual(expected));
});

describe('a step', () => {
  it('has a name', () => {
    expect(stepName({ kind: 'create_issue' })).toBe('Create the issue');
    expect(stepName({ kind: 'odd_thing' })).toBe('odd thing');
  });
  it('shows its plain facts only', () => {
    expect(factsOf({ issue_key: 'SUP-1', size: 3, body: { type: 'doc' }, empty: '', none: null })).toEqual([
      ['issue key', 'SUP-1'],
      ['size', '3'],
    ]);
    expect(factsOf('text')).toEqual([['detail', 'text']]);
    expect(factsOf([1])).toEqual([]);
    expect(factsOf(null)).toEqual([]);
  });
});

describe('the theme of the host', () => {
  it('is read from both broadcasts', () => {
    expect(colorModeOf(themeIn({ initialTheme: { colorMode: 'dark' } }))).toBe('dark');
    expect(colorModeOf(themeIn({ newTheme: { colorMode: 'auto' } }))).toBe('auto');
  });
  it('is light where the host has none', () => {
    expect(colorModeOf(themeIn(undefined))).toBe('light');
    expect(colorModeOf(themeIn({ initialTheme: {} }))).toBe('light');
  });
});

describe('a moment', () => {
  const noon = new Date(2026, 10, 22, 12, 0, 0).getTime() / 1000;
  it('of today is a time, an older one has its day, an old one its year', () => {
    expect(shortMoment(noon - 60, noon)).not.toMatch(/22/);
    expect(shortMoment(noon - 86_400, noon)).toMatch(/21/);
    expect(shortMoment(noon - 400 * 86_400, noon)).toMatch(/2025/);
  });
});

it('sizes read well', () => expect([512, 5120, 3_400_000].map(sizeOf)).toEqual(['512 bytes', '5 kB', '3.2 MB']));

it('a burst of typing asks once, and all get the answer', async () => {
  const asked: string[] = [];
  const ask = debounced((text: string) => {
    asked.push(text);
    return Promise.resolve(text.length);
  }, 5);
  expect(await Promise.all(['s', 'su', 'sup'].map(ask))).toEqual([3, 3, 3]);
  expect(asked).toEqual(['sup']);
});
