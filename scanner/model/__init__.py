"""Pure values that every layer shares; nothing here reads, writes or imports a layer above."""
