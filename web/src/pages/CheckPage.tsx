/** A design that is dropped or pasted in is checked, and can be kept. */

import { InboxOutlined } from '@ant-design/icons';
import { useMutation } from '@tanstack/react-query';
import { Alert, Button, Input } from 'antd';
import { type DragEvent, useState } from 'react';
import { useNavigate } from 'react-router-dom';
import { api } from '../api/client';
import { useTexts } from '../i18n';
import { Failure, Page } from '../shell/parts';
import { useDesigner } from '../shell/session';
import { CheckedDesign } from './CheckedDesign';

const MOST_BYTES = 2 * 1024 * 1024;

export default function CheckPage() {
  const { t } = useTexts();
  const designer = useDesigner();
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const [over, setOver] = useState(false);
  const [found, setFound] = useState<{ design?: unknown; text: string; error?: string }>();
  const saving = useMutation({
    mutationFn: (design: unknown) => api.createDesign(design),
    onSuccess: ({ code }) => navigate(`/designs/${encodeURIComponent(code)}`),
  });

  const take = (given: string) => {
    setText(given);
    saving.reset();
    if (!given.trim()) return setFound(undefined);
    try {
      const design: unknown = JSON.parse(given);
      const isObject = typeof design === 'object' && design !== null && !Array.isArray(design);
      setFound(isObject ? { design, text: given } : { text: given, error: t('check.notObject') });
    } catch (error) {
      setFound({ text: given, error: t('check.notJson', { message: (error as Error).message }) });
    }
  };
  const read = async (file: File | undefined) => {
    if (file === undefined) return;
    if (file.size > MOST_BYTES) return setFound({ text: '', error: t('check.tooLarge') });
    take(await file.text());
  };
  const dropped = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void read(event.dataTransfer.files[0]);
  };
  return (
    <Page
      wide
      title={t('check.title')}
      actions={
        designer &&
        found?.design !== undefined && (
          <Button
            type="primary"
            loading={saving.isPending}
            onClick={() => saving.mutate(found.design)}
          >
            {t('check.save')}
          </Button>
        )
      }
    >
      <div
        className={over ? 'app-drop app-drop--over' : 'app-drop'}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={dropped}
      >
        <label className="app-drop-file">
          <InboxOutlined /> {t('check.drop')}
          <input
            type="file"
            accept=".json,application/json"
            onChange={(event) => {
              void read(event.target.files?.[0]);
              event.target.value = '';
            }}
          />
        </label>
        <Input.TextArea
          aria-label={t('check.paste')}
          placeholder={t('check.paste')}
          className="app-paste"
          autoSize={{ minRows: 2, maxRows: 6 }}
          spellCheck={false}
          value={text.length > 20_000 ? `${text.slice(0, 20_000)}…` : text}
          onChange={(event) => take(event.target.value)}
        />
      </div>
      {found?.error && <Alert type="error" showIcon message={found.error} />}
      {saving.error && <Failure error={saving.error} />}
      {found?.design !== undefined && <CheckedDesign design={found.design} identity={found.text} />}
    </Page>
  );
}
