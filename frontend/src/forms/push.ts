/** Who may bring mail to a pushed mailbox, and what each signs its calls with. */
import type { PushWay } from '../api/types/mailboxes';

export interface Way {
  way: PushWay;
  label: string;
  hint: string;
  /** What of the service's has to be known to tell its calls from a stranger's; null: nothing. */
  keyLabel: string | null;
  keyHint?: string;
  isKeyNeeded: boolean;
  isSecret: boolean;
}

export const PUSH_WAYS: readonly Way[] = [
  {
    way: 'pipe',
    label: 'A mail server of yours (Postfix, Exim, procmail)',
    hint: 'Each mail goes through a small program or one HTTP call.',
    keyLabel: null,
    isKeyNeeded: false,
    isSecret: false,
  },
  {
    way: 'ses',
    label: 'Amazon SES',
    hint: 'A receipt rule publishes each mail to an SNS topic, whose signature is checked.',
    keyLabel: 'ARN of the SNS topic',
    keyHint: 'Such as arn:aws:sns:eu-west-1:123456789012:mail. Only this topic may bring mail.',
    isKeyNeeded: true,
    isSecret: false,
  },
  {
    way: 'mailgun',
    label: 'Mailgun',
    hint: 'A route forwards each mail as raw MIME.',
    keyLabel: 'HTTP webhook signing key',
    keyHint: 'Mailgun shows it under API security. Stored encrypted and never shown again.',
    isKeyNeeded: true,
    isSecret: true,
  },
  {
    way: 'sendgrid',
    label: 'SendGrid',
    hint: 'Inbound Parse posts each mail as raw MIME.',
    keyLabel: 'Public key of the security policy',
    keyHint: 'Of the policy with a signature; empty: the calls are not signed, and the secret address is all that tells them apart.',
    isKeyNeeded: false,
    isSecret: false,
  },
  {
    way: 'postmark',
    label: 'Postmark',
    hint: 'The inbound webhook posts each mail with its raw content.',
    keyLabel: null,
    isKeyNeeded: false,
    isSecret: false,
  },
];

export function wayOf(way: PushWay): Way {
  return PUSH_WAYS.find((one) => one.way === way) ?? (PUSH_WAYS[0] as Way);
}
