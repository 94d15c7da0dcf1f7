/** One line of text with its label. */
import Textfield from '@atlaskit/textfield';
import { Field, type FieldProps } from './Field';

interface Props extends Omit<FieldProps, 'children'> {
  name: string;
  value: string;
  onChange: (value: string) => void;
  type?: 'text' | 'password' | 'email' | 'date';
  inputMode?: 'numeric' | 'email' | 'url';
  placeholder?: string;
  autoComplete?: string;
}

export function TextField({ name, value, onChange, type = 'text', inputMode, placeholder, autoComplete = 'off', ...field }: Props) {
  return (
    <Field {...field}>
      {({ isInvalid, ...control }) => (
        <Textfield
          {...control}
          isInvalid={isInvalid}
          aria-invalid={isInvalid || undefined}
          name={name}
          type={type}
          inputMode={inputMode}
          value={value}
          placeholder={placeholder}
          autoComplete={autoComplete}
          spellCheck={false}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}
