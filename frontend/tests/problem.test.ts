import { describe, expect, it } from 'vitest';
import { createApi, query } from '../src/api/client';
import { asProblem, Problem, problemOf } from '../src/api/problem';
import { fieldSentences, problemField, withoutField } from '../src/forms/errors';

describe('problem details', () => {
  it('carry what the service says, by field', () => {
    const problem = problemOf(422, {
      title: 'Unprocessable Entity',
      detail: 'Some fields are wrong.',
      request_id: 'r-1',
      errors: { host: ['Give a name.'], project: { key: ['Unknown.'] } },
    });
    expect(problem).toMatchObject({ status: 422, detail: 'Some fields are wrong.', requestId: 'r-1' });
    expect(problem.errors).toEqual({ host: ['Give a name.'], 'project.key': ['Unknown.'] });
  });

  it.each([
    [502, null],
    [500, '<html>'],
    [418, { title: '' }],
    [422, { errors: 'broken' }],
  ])('have words for an answer that is none: %i', (status, body) => {
    const problem = problemOf(status, body);
    expect(problem.title).not.toBe('');
    expect(problem.errors).toEqual({});
  });

  it('are made of any thrown thing', () => {
    const known = new Problem(404, 'Gone');
    expect(asProblem(known)).toBe(known);
    expect(asProblem(new Error('Odd'))).toMatchObject({ status: 0, title: 'Odd' });
    expect(asProblem('text').title).toBe('text');
  });

  it('are thrown by the api for answers of 400 and above', async () => {
    const api = createApi({ send: () => Promise.resolve({ status: 404, body: { detail: 'No such mail.' } }) });
    await expect(api.mail('x')).rejects.toMatchObject({ status: 404, detail: 'No such mail.' });
  });
});

describe('the api', () => {
  it('asks for exactly the filter that is set', async () => {
    const asked: string[] = [];
    const api = createApi({
      send: (_method, path) => {
        asked.push(path);
        return Promise.resolve({ status: 200, body: { mails: [], next: null } });
      },
    });
    await api.mails(null, null, null, 25);
    await api.mails('m1', 'held', 'abc', 25);
    await api.issueTypes('A/B');
    expect(asked).toEqual([
      '/api/inbound/mails?limit=25',
      '/api/inbound/mails?mailbox=m1&state=held&before=abc&limit=25',
      '/api/connect/projects/A%2FB/issue-types',
    ]);
  });

  it('escapes what people type into a search', () => expect(query({ query: 'a&b=c ü' })).toBe('?query=a%26b%3Dc+%C3%BC'));
});

describe('sentences at the fields', () => {
  it('join those of one field, nested ones included', () => {
    expect(fieldSentences({ project: ['Choose one.'], 'project.key': ['Unknown.'], host: ['A.', 'B.'] })).toEqual({
      project: 'Choose one. Unknown.',
      host: 'A. B.',
    });
  });

  it('of a failed test carry the remedy to the field that is to blame', () => {
    const problem = { title: 'The login was refused', detail: null, remedy: 'Type it again.', field: 'secret' };
    expect(problemField(problem)).toEqual({ secret: 'The login was refused. Type it again.' });
    expect(problemField({ ...problem, field: null })).toEqual({});
    expect(problemField(null)).toEqual({});
  });

  it('go when the field is changed', () => {
    expect(withoutField({ host: 'A.', port: 'B.' }, 'host')).toEqual({ port: 'B.' });
  });
});
