/** A table that becomes a list where there is little room. */

import type { ReactNode } from 'react';
import { Nothing } from './parts';

export interface Column<T> {
  title: string;
  render: (row: T) => ReactNode;
}

export function Table<T>({
  label,
  columns,
  rows,
  rowKey,
  empty,
}: {
  label: string;
  columns: Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string | number;
  empty?: ReactNode;
}) {
  if (rows.length === 0) return <Nothing>{empty}</Nothing>;
  return (
    <div className="app-table-wrap" tabIndex={0} role="region" aria-label={label}>
      <table className="app-table" aria-label={label}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col">
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) => (
                <td key={column.title} data-label={column.title}>
                  {column.render(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
