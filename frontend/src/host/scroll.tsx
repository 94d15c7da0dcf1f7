/**
 * Stands in for `react-scrolllock`, which writes style elements that a strict Content-Security-Policy refuses.
 * That the page does not scroll behind a dialog is two lines of styles/frame.css.
 */
import type { ReactNode } from 'react';

interface Props {
  children?: ReactNode;
}

export default function ScrollLock({ children = null }: Props) {
  return <>{children}</>;
}

export function TouchScrollable({ children = null }: Props) {
  return <>{children}</>;
}
