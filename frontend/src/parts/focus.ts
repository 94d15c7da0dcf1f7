/** Takes a person to the first field that is wrong, once the page shows which. */
export function focusFirstError(form: HTMLElement | null): void {
  requestAnimationFrame(() => {
    form?.querySelector<HTMLElement>('[data-invalid] :is(input, textarea, button)')?.focus();
  });
}
