-- What 0011 says of `catalog_item.stock`: what is left is the shared account goods|<code>.

-- What a hold's release changes names whom to tell of it, last; holds opened before tell nobody.
update hold set on_release = (
    select json_agg(change::jsonb || '[null]' order by place)::text
    from json_array_elements(on_release::json) with ordinality c (change, place)
) where on_release is not null;

-- Nobody asks for redemptions by customer: their deliveries are listed.
drop index points_redemption_customer;
