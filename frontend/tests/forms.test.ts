import { describe, expect, it } from 'vitest';
import { hostError, isAddress, portError } from '../src/forms/connection';
import { blankMailbox } from '../src/forms/mailbox';
import { withSecurity } from '../src/forms/providers';
import { blankSender, checkSender, draftOfSender, senderBody, withSenderSecurity } from '../src/forms/sender';

describe('the port', () => {
  it('follows the security', () => {
    const draft = withSecurity(blankMailbox(), 'starttls');
    expect(draft.port).toBe('143');
    expect(withSecurity(draft, 'tls').port).toBe('993');
    expect(withSenderSecurity(blankSender(), 'tls').port).toBe('465');
    expect(withSenderSecurity(blankSender(), 'none').port).toBe('25');
  });

  it('that a person typed stays', () => expect(withSecurity({ ...blankMailbox(), port: '8143' }, 'none').port).toBe('8143'));

  it.each(['', '0', '65536', '12.5', 'abc', '-1', '1e3'])('is refused: %s', (port) => expect(portError(port)).not.toBeNull());
  it.each(['1', '993', ' 143 ', '65535'])('is taken: %s', (port) => expect(portError(port)).toBeNull());
});

describe('the server', () => {
  it.each(['', '  ', 'https://mail.example.com', 'me@mail.example.com', 'mail example.com', 'mail.example.com/inbox'])(
    'is refused: %s',
    (host) => expect(hostError(host)).not.toBeNull(),
  );
  it.each(['mail.example.com', '127.0.0.1', '::1', 'localhost'])('is taken: %s', (host) => expect(hostError(host)).toBeNull());
});

describe('an address', () => {
  it.each(['a@b', 'support+x@example.com', ' a@b.c '])('is one: %s', (text) => expect(isAddress(text)).toBe(true));
  it.each(['', 'support', '@b', 'a@', 'a b@c', 'A <a@b>', 'a@b, c@d'])('is none: %s', (text) => expect(isAddress(text)).toBe(false));
});

describe('the form of outgoing mail', () => {
  const draft = { ...blankSender(), host: 'smtp.example.com', fromAddress: 'support@example.com' };

  it('needs no login', () => expect(checkSender(draft, false)).toEqual({}));
  it('needs a password for a user name', () => {
    expect(checkSender({ ...draft, username: 'u' }, false)).toHaveProperty('secret');
    expect(checkSender({ ...draft, username: 'u' }, true)).toEqual({});
    expect(checkSender({ ...draft, secret: 'p' }, false)).toHaveProperty('username');
  });
  it.each(['', '-1', '1,5', '601', 'soon'])('refuses to gather changes for %s seconds', (windowSeconds) =>
    expect(checkSender({ ...draft, windowSeconds }, false)).toHaveProperty('window_seconds'),
  );
  it('takes addresses to tell one a line, and ten at most', () => {
    expect(senderBody({ ...draft, told: ' ann@example.com\n\nbob@example.com, ' }).told).toEqual(['ann@example.com', 'bob@example.com']);
    expect(checkSender({ ...draft, told: 'ann@example.com\nnobody' }, false)['told']).toContain('nobody');
    const many = (count: number) => Array.from({ length: count }, (_, index) => `n${index}@example.com`).join('\n');
    expect(checkSender({ ...draft, told: many(10) }, false)).toEqual({});
    expect(checkSender({ ...draft, told: many(11) }, false)).toHaveProperty('told');
  });
  it('gives stored settings back as they were', () => {
    const stored = {
      host: 'smtp.example.com',
      port: 465,
      security: 'tls' as const,
      username: 'u',
      from_name: 'Support',
      from_address: 'support@example.com',
      window_seconds: 0,
      validate_certificate: false,
      told: ['ann@example.com', 'bob@example.com'],
    };
    expect(senderBody(draftOfSender({ ...stored, has_secret: true, state: 'connected', last_error: null }))).toEqual(stored);
  });
});
