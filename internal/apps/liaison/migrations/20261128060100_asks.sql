-- +goose Up
-- What words sent before ask more than to be read.
UPDATE resource SET asks = (SELECT w.ask FROM word w WHERE w.id = resource.id)
	WHERE EXISTS (SELECT 1 FROM word w WHERE w.id = resource.id AND w.ask <> 'read');

-- +goose Down
SELECT 1;
