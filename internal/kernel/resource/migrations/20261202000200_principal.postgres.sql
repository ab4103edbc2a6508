-- +goose Up
-- PostgreSQL keeps the index of rights by principal: it asks it when it tells
-- thousands of people.
SELECT 1;

-- +goose Down
SELECT 1;
