/** A table with the names of its columns; where it is too wide it scrolls in its place. */
import type { ReactNode } from 'react';

interface Props {
  columns: readonly string[];
  className?: string;
  /** Its rows. */
  children: ReactNode;
}

export function Table({ columns, className = '', children }: Props) {
  return (
    <div className="mb-scroll">
      <table className={`mb-table ${className}`.trim()}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
