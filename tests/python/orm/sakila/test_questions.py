"""Thirty typical questions to Sakila: each is asked by the ORM and by SQL written by hand, and the answers are the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import (
    Expression,
    alias,
    and_,
    any_,
    case,
    cast,
    exists,
    extract,
    func,
    literal,
    select,
    tuple_,
    values,
)

from .models import (
    Actor,
    Address,
    Category,
    City,
    Country,
    Customer,
    Film,
    FilmActor,
    FilmCategory,
    Inventory,
    Payment,
    Rental,
    Staff,
    Store,
)

Ask = Callable[[], Any]
QUESTIONS: list[Any] = []


def question(sql: str) -> Callable[[Ask], Ask]:
    """A question: the function gives the ORM's query, `sql` is the same by hand."""

    def keep(ask: Ask) -> Ask:
        QUESTIONS.append(pytest.param(ask, sql, id=ask.__name__))
        return ask

    return keep


# Finding, sorting, counting


@question(
    "SELECT first_name, last_name FROM actor WHERE last_name LIKE '%gen%' ORDER BY last_name, first_name, actor_id"
)
def which_actors_have_gen_in_their_last_name() -> Any:
    last_name = Actor.last_name.like("%gen%")
    return (
        select(Actor.first_name, Actor.last_name)
        .where(last_name)
        .order_by(Actor.last_name, Actor.first_name, Actor.actor_id)
    )


@question("SELECT country_id, country FROM country WHERE country IN ('Canada', 'Japan', 'Kenya') ORDER BY country DESC")
def which_ids_have_some_countries() -> Any:
    some = Country.country.in_(["Canada", "Japan", "Kenya"])
    return select(Country.country_id, Country.country).where(some).order_by(Country.country.desc())


@question("""
    SELECT last_name, count(*) FROM actor GROUP BY last_name HAVING count(*) >= 2 ORDER BY count(*) DESC, last_name
""")
def which_last_names_do_actors_share() -> Any:
    number = func.count()
    return (
        select(Actor.last_name, number)
        .group_by(Actor.last_name)
        .having(number >= 2)
        .order_by(number.desc(), Actor.last_name)
    )


@question("""
    SELECT rating, count(*), round(avg(rental_rate), 2), min(length), max(length) FROM film
    WHERE length IS NOT NULL GROUP BY rating ORDER BY rating
""")
def what_do_films_of_each_rating_cost() -> Any:
    return (
        select(
            Film.rating,
            func.count(),
            func.round(func.avg(Film.rental_rate), literal(2, "int4")),
            func.min(Film.length),
            func.max(Film.length),
        )
        .where(Film.length.is_not(None))
        .group_by(Film.rating)
        .order_by(Film.rating)
    )


@question("""
    SELECT title, length FROM film WHERE length > (SELECT avg(length) FROM film) ORDER BY length DESC, title LIMIT 20
""")
def which_films_are_longer_than_most() -> Any:
    mean = select(func.avg(Film.length)).scalar_subquery()
    return select(Film.title, Film.length).where(Film.length > mean).order_by(Film.length.desc(), Film.title).limit(20)


@question("""
    SELECT CASE WHEN length < 60 THEN 'short' WHEN length < 120 THEN 'medium' WHEN length IS NULL THEN 'unknown' ELSE 'long' END
        AS size, count(*) FROM film GROUP BY 1 ORDER BY 2 DESC, 1
""")
def how_long_are_the_films() -> Any:
    length = Film.length
    size = case((length < 60, "short"), (length < 120, "medium"), (length.is_(None), "unknown"), else_="long").label(
        "size"
    )
    return select(size, func.count()).group_by(size).order_by(func.count().desc(), size)


@question("""
    SELECT film_id, title FROM film WHERE (rental_rate, film_id) > (2.99, 150) ORDER BY rental_rate, film_id LIMIT 10
""")
def what_is_the_next_page_by_price() -> Any:
    place = tuple_(Film.rental_rate, Film.film_id) > (2.99, 150)
    return select(Film.film_id, Film.title).where(place).order_by(Film.rental_rate, Film.film_id).limit(10)


# Joins


@question("""
    SELECT c.name, count(*) FROM category c JOIN film_category fc USING (category_id) GROUP BY c.category_id ORDER BY 2 DESC, 1
""")
def how_many_films_are_in_each_category() -> Any:
    number = func.count()
    return (
        select(Category.name, number)
        .join(FilmCategory.category)
        .group_by(Category.category_id)
        .order_by(number.desc(), Category.name)
    )


@question("""
    SELECT a.first_name, a.last_name FROM actor a JOIN film_actor USING (actor_id) JOIN film f USING (film_id)
    WHERE f.film_id = 7 ORDER BY a.actor_id
""")
def who_plays_in_a_film() -> Any:
    return (
        select(Actor.first_name, Actor.last_name)
        .join(FilmActor.actor)
        .join(FilmActor.film)
        .where(Film.film_id == 7)
        .order_by(Actor.actor_id)
    )


@question("""
    SELECT cu.first_name, cu.last_name, cu.email FROM customer cu
    JOIN address a USING (address_id) JOIN city ci USING (city_id) JOIN country co USING (country_id)
    WHERE co.country = 'Canada' ORDER BY cu.customer_id
""")
def which_customers_live_in_canada() -> Any:
    return (
        select(Customer.first_name, Customer.last_name, Customer.email)
        .join(Customer.address)
        .join(Address.city)
        .join(City.country)
        .where(Country.country == "Canada")
        .order_by(Customer.customer_id)
    )


@question("""
    SELECT cu.customer_id, cu.last_name, sum(p.amount) FROM customer cu JOIN payment p USING (customer_id)
    GROUP BY cu.customer_id ORDER BY 3 DESC, 1 LIMIT 10
""")
def who_are_the_ten_best_customers() -> Any:
    paid = func.sum(Payment.amount)
    return (
        select(Customer.customer_id, Customer.last_name, paid)
        .join(Payment.customer)
        .group_by(Customer.customer_id)
        .order_by(paid.desc(), Customer.customer_id)
        .limit(10)
    )


@question("""
    SELECT s.store_id, ci.city, co.country, m.last_name FROM store s
    JOIN address a USING (address_id) JOIN city ci USING (city_id) JOIN country co USING (country_id)
    LEFT JOIN staff m ON m.staff_id = s.manager_staff_id ORDER BY 1
""")
def where_is_each_store_and_who_manages_it() -> Any:
    return (
        select(Store.store_id, City.city, Country.country, Staff.last_name)
        .join(Store.address)
        .join(Address.city)
        .join(City.country)
        .left_join(Store.manager)
        .order_by(Store.store_id)
    )


@question("""
    SELECT f.title FROM film f LEFT JOIN inventory i USING (film_id) WHERE i.inventory_id IS NULL ORDER BY f.title
""")
def which_films_have_no_copy() -> Any:
    return select(Film.title).left_join(Inventory.film).where(Inventory.inventory_id.is_(None)).order_by(Film.title)


@question("""
    SELECT a.title, b.title, a.length FROM film a JOIN film b ON a.length = b.length AND a.film_id < b.film_id
    WHERE a.rating = b.rating ORDER BY a.film_id, b.film_id
""")
def which_films_of_one_rating_are_equally_long() -> Any:
    other = alias(Film, "other")
    return (
        select(Film.title, other.title, Film.length)
        .join(other, and_(Film.length == other.length, Film.film_id < other.film_id))
        .where(Film.rating == other.rating)
        .order_by(Film.film_id, other.film_id)
    )


@question("""
    SELECT c.name, sum(p.amount) FROM payment p JOIN rental r USING (rental_id) JOIN inventory i USING (inventory_id)
    JOIN film_category fc USING (film_id) JOIN category c USING (category_id) GROUP BY c.category_id ORDER BY 2 DESC, 1 LIMIT 5
""")
def which_categories_earn_most() -> Any:
    earned = func.sum(Payment.amount)
    return (
        select(Category.name, earned)
        .select_from(Payment)
        .join(Payment.rental)
        .join(Rental.inventory)
        .join(FilmCategory, FilmCategory.film_id == Inventory.film_id)
        .join(FilmCategory.category)
        .group_by(Category.category_id)
        .order_by(earned.desc(), Category.name)
        .limit(5)
    )


# Dates and intervals


@question("""
    SELECT f.title, r.rental_date FROM rental r JOIN inventory i USING (inventory_id) JOIN film f USING (film_id)
    WHERE r.return_date IS NULL ORDER BY r.rental_date, r.rental_id
""")
def what_is_out_now() -> Any:
    return (
        select(Film.title, Rental.rental_date)
        .select_from(Rental)
        .join(Rental.inventory)
        .join(Inventory.film)
        .where(Rental.return_date.is_(None))
        .order_by(Rental.rental_date, Rental.rental_id)
    )


@question("""
    SELECT r.rental_id, f.title FROM rental r JOIN inventory i USING (inventory_id) JOIN film f USING (film_id)
    WHERE r.return_date > r.rental_date + f.rental_duration * interval '1 day' ORDER BY r.rental_id LIMIT 30
""")
def what_came_back_late() -> Any:
    due = Rental.rental_date + Film.rental_duration * literal(timedelta(days=1), "interval")
    return (
        select(Rental.rental_id, Film.title)
        .join(Rental.inventory)
        .join(Inventory.film)
        .where(Rental.return_date > due)
        .order_by(Rental.rental_id)
        .limit(30)
    )


@question("""
    SELECT i.store_id, date_trunc('week', p.payment_date) AS week, sum(p.amount) FROM payment p
    JOIN rental r USING (rental_id) JOIN inventory i USING (inventory_id) GROUP BY 1, 2 ORDER BY 1, 2
""")
def what_did_each_store_earn_by_week() -> Any:
    week = func.date_trunc("week", Payment.payment_date).label("week")
    return (
        select(Inventory.store_id, week, func.sum(Payment.amount))
        .select_from(Payment)
        .join(Payment.rental)
        .join(Rental.inventory)
        .group_by(Inventory.store_id, week)
        .order_by(Inventory.store_id, week)
    )


@question("""
    SELECT count(*) FROM rental WHERE rental_date >= '2022-05-10Z' AND rental_date < '2022-05-11Z'
""")
def how_many_rentals_began_on_a_day() -> Any:
    day = datetime(2022, 5, 10, tzinfo=UTC)
    return select(func.count()).where(Rental.rental_date >= day, Rental.rental_date < day + timedelta(days=1))


# Aggregates and windows


@question("""
    SELECT store_id, count(*) FILTER (WHERE activebool), count(*) FILTER (WHERE NOT activebool) FROM customer
    GROUP BY store_id ORDER BY store_id
""")
def how_many_customers_are_active() -> Any:
    active = Customer.activebool
    return (
        select(Customer.store_id, func.count().filter(active == True), func.count().filter(active == False))  # noqa: E712
        .group_by(Customer.store_id)
        .order_by(Customer.store_id)
    )


@question("""
    SELECT a.actor_id, string_agg(f.title, '; ' ORDER BY f.title) FROM actor a JOIN film_actor USING (actor_id)
    JOIN film f USING (film_id) GROUP BY a.actor_id ORDER BY a.actor_id LIMIT 5
""")
def what_has_each_actor_played_in() -> Any:
    titles = func.string_agg(Film.title, "; ").order_by(Film.title)
    return (
        select(Actor.actor_id, titles)
        .join(FilmActor.actor)
        .join(FilmActor.film)
        .group_by(Actor.actor_id)
        .order_by(Actor.actor_id)
        .limit(5)
    )


@question("""
    SELECT payment_id, amount, sum(amount) OVER (PARTITION BY customer_id ORDER BY payment_date, payment_id) FROM payment
    WHERE customer_id IN (5, 6) ORDER BY customer_id, payment_date, payment_id
""")
def how_do_payments_add_up() -> Any:
    when: list[Expression[Any]] = [Payment.payment_date, Payment.payment_id]
    so_far = func.sum(Payment.amount).over(partition_by=Payment.customer_id, order_by=when)
    return (
        select(Payment.payment_id, Payment.amount, so_far)
        .where(Payment.customer_id.in_([5, 6]))
        .order_by(Payment.customer_id, *when)
    )


@question("""
    SELECT * FROM (
        SELECT c.name, f.title, count(*) AS rented,
               rank() OVER (PARTITION BY c.category_id ORDER BY count(*) DESC, f.film_id) AS place
        FROM rental r JOIN inventory i USING (inventory_id) JOIN film f USING (film_id)
        JOIN film_category fc USING (film_id) JOIN category c USING (category_id) GROUP BY c.category_id, f.film_id
    ) ranked WHERE place <= 2 ORDER BY name, place
""")
def which_two_films_of_each_category_are_rented_most() -> Any:
    place = func.rank().over(partition_by=Category.category_id, order_by=[func.count().desc(), Film.film_id])
    ranked = (
        select(Category.name, Film.title, func.count().label("rented"), place.label("place"))
        .select_from(Rental)
        .join(Rental.inventory)
        .join(Inventory.film)
        .join(FilmCategory, FilmCategory.film_id == Film.film_id)
        .join(FilmCategory.category)
        .group_by(Category.category_id, Film.film_id)
        .subquery("ranked")
    )
    c = ranked.c
    return select(c.name, c.title, c.rented, c.place).select_from(ranked).where(c.place <= 2).order_by(c.name, c.place)


@question("""
    SELECT rating, count(*), round(100.0 * count(*) / sum(count(*)) OVER (), 1) FROM film GROUP BY rating ORDER BY rating
""")
def which_part_of_the_films_has_each_rating() -> Any:
    whole = func.sum(func.count()).over()
    part = func.round(literal(100, "numeric") * func.count() / whole, literal(1, "int4"))
    return select(Film.rating, func.count(), part).group_by(Film.rating).order_by(Film.rating)


# Queries in queries


@question("""
    SELECT customer_id, last_name FROM customer c
    WHERE NOT EXISTS (SELECT FROM rental r WHERE r.customer_id = c.customer_id) ORDER BY 1
""")
def who_has_never_rented() -> Any:
    rented = exists(Rental.select().where(Rental.customer_id == Customer.customer_id))
    return select(Customer.customer_id, Customer.last_name).where(~rented).order_by(Customer.customer_id)


@question("""
    SELECT DISTINCT ON (customer_id) customer_id, rental_id, rental_date FROM rental
    ORDER BY customer_id, rental_date DESC LIMIT 15
""")
def what_did_each_customer_rent_last() -> Any:
    return (
        select(Rental.customer_id, Rental.rental_id, Rental.rental_date)
        .distinct(Rental.customer_id)
        .order_by(Rental.customer_id, Rental.rental_date.desc())
        .limit(15)
    )


@question("""
    SELECT first_name FROM actor INTERSECT SELECT first_name FROM customer
    EXCEPT SELECT first_name FROM actor WHERE actor_id = 1 ORDER BY 1
""")
def which_first_names_do_actors_share_with_customers() -> Any:
    both = select(Actor.first_name).intersect(select(Customer.first_name))
    return both.except_(select(Actor.first_name).where(Actor.actor_id == 1)).order_by(Actor.first_name)


@question("""
    WITH spent AS (SELECT customer_id, sum(amount) AS total FROM payment GROUP BY customer_id)
    SELECT co.country, count(*), max(s.total) FROM spent s JOIN customer USING (customer_id)
    JOIN address USING (address_id) JOIN city USING (city_id) JOIN country co USING (country_id)
    WHERE s.total > (SELECT avg(total) FROM spent) GROUP BY co.country_id ORDER BY 3 DESC, 1
""")
def where_do_customers_live_who_spend_more_than_most() -> Any:
    spent = (
        select(Payment.customer_id, func.sum(Payment.amount).label("total")).group_by(Payment.customer_id).cte("spent")
    )
    most = func.max(spent.c.total)
    return (
        select(Country.country, func.count(), most)
        .select_from(spent)
        .join(Customer, Customer.customer_id == spent.c.customer_id)
        .join(Customer.address)
        .join(Address.city)
        .join(City.country)
        .where(spent.c.total > select(func.avg(spent.c.total)).select_from(spent).scalar_subquery())
        .group_by(Country.country_id)
        .order_by(most.desc(), Country.country)
    )


@question("""
    SELECT f.title, count(DISTINCT r.customer_id) FROM film f JOIN inventory i USING (film_id) JOIN rental r USING (inventory_id)
    WHERE f.film_id IN (SELECT film_id FROM film_actor GROUP BY film_id HAVING count(*) >= 5)
    GROUP BY f.film_id ORDER BY 2 DESC, 1 LIMIT 10
""")
def which_films_with_many_actors_reach_most_customers() -> Any:
    crowded = select(FilmActor.film_id).group_by(FilmActor.film_id).having(func.count() >= 5)
    reached = func.count(Rental.customer_id).distinct()
    return (
        select(Film.title, reached)
        .join(Inventory.film)
        .join(Rental.inventory)
        .where(Film.film_id.in_(crowded))
        .group_by(Film.film_id)
        .order_by(reached.desc(), Film.title)
        .limit(10)
    )


@question("""
    SELECT upper(last_name) || ', ' || first_name, CAST(create_date AS text) FROM customer
    WHERE create_date BETWEEN '2022-03-01' AND '2022-03-03' AND email IS NOT NULL ORDER BY customer_id
""")
def who_joined_in_three_days() -> Any:
    name = func.upper(Customer.last_name) + ", " + Customer.first_name
    first = date(2022, 3, 1)
    return (
        select(name, cast(Customer.create_date, str))
        .where(Customer.create_date.between(first, first + timedelta(days=2)), Customer.email.is_not(None))
        .order_by(Customer.customer_id)
    )


# Arrays and full text


@question("""
    SELECT feature, count(*) FROM film, unnest(special_features) AS feature GROUP BY feature ORDER BY 2 DESC, 1
""")
def how_many_films_have_each_special_feature() -> Any:
    each = select(func.unnest(Film.special_features).label("feature")).subquery("each")
    return (
        select(each.c.feature, func.count())
        .select_from(each)
        .group_by(each.c.feature)
        .order_by(func.count().desc(), each.c.feature)
    )


@question("""
    SELECT title FROM film WHERE special_features @> '{Trailers,"Deleted Scenes"}' AND NOT special_features && '{Commentaries}'
    ORDER BY title
""")
def which_films_have_trailers_and_deleted_scenes_but_no_commentaries() -> Any:
    features = Film.special_features
    return (
        select(Film.title)
        .where(features.contains(["Trailers", "Deleted Scenes"]), ~features.overlaps(["Commentaries"]))
        .order_by(Film.title)
    )


@question("""
    SELECT special_features[1], cardinality(special_features), count(*) FROM film
    WHERE 'Behind the Scenes' = ANY (special_features) GROUP BY 1, 2 ORDER BY 1, 2
""")
def what_comes_first_where_there_is_something_behind_the_scenes() -> Any:
    features = Film.special_features
    first, number = features[1].label("first"), func.cardinality(features).label("number")
    return (
        select(first, number, func.count())
        .where(any_(features) == "Behind the Scenes")
        .group_by(first, number)
        .order_by(first, number)
    )


@question("""
    SELECT title, ts_rank(to_tsvector('english', description), websearch_to_tsquery('english', 'robot -pirate')) AS rank
    FROM film WHERE to_tsvector('english', description) @@ websearch_to_tsquery('english', 'robot -pirate')
    ORDER BY rank DESC, film_id LIMIT 10
""")
def which_films_are_about_robots_without_pirates() -> Any:
    words = func.to_tsvector(literal("english", "regconfig"), Film.description)
    query = func.websearch_to_tsquery(literal("english", "regconfig"), "robot -pirate")
    rank = func.ts_rank(words, query).label("rank")
    found = Film.description.match("robot -pirate", "english")
    return select(Film.title, rank).where(found).order_by(rank.desc(), Film.film_id).limit(10)


# Frames, grouping sets and ordered sets


@question("""
    SELECT day, earned, avg(earned) OVER (ORDER BY day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW)
    FROM (SELECT CAST(payment_date AS date) AS day, sum(amount) AS earned FROM payment GROUP BY 1) days ORDER BY day
""")
def what_is_the_mean_of_the_last_seven_days() -> Any:
    day = cast(Payment.payment_date, date).label("day")
    days = select(day, func.sum(Payment.amount).label("earned")).group_by(day).subquery("days")
    mean = func.avg(days.c.earned).over(order_by=days.c.day, rows=(-6, 0))
    return select(days.c.day, days.c.earned, mean).select_from(days).order_by(days.c.day)


@question("""
    SELECT i.store_id, f.rating, count(*), grouping(i.store_id, f.rating) FROM rental r JOIN inventory i USING (inventory_id)
    JOIN film f USING (film_id) GROUP BY ROLLUP (i.store_id, f.rating)
    ORDER BY i.store_id NULLS LAST, f.rating NULLS LAST
""")
def how_many_rentals_are_there_by_store_and_rating_and_in_all() -> Any:
    store, rating = Inventory.store_id, Film.rating
    return (
        select(store, rating, func.count(), func.grouping(store, rating))
        .select_from(Rental)
        .join(Rental.inventory)
        .join(Inventory.film)
        .group_by(func.rollup(store, rating))
        .order_by(store.asc().nulls_last(), rating.asc().nulls_last())
    )


@question("""
    SELECT rating, percentile_cont(0.5) WITHIN GROUP (ORDER BY length), mode() WITHIN GROUP (ORDER BY rental_duration)
    FROM film GROUP BY rating ORDER BY rating
""")
def what_is_the_median_length_and_the_usual_duration() -> Any:
    median = func.percentile_cont(0.5).within_group(Film.length)
    usual = func.mode().within_group(Film.rental_duration)
    return select(Film.rating, median, usual).group_by(Film.rating).order_by(Film.rating)


@question("""
    SELECT extract(isodow FROM rental_date), count(*),
        count(*) FILTER (WHERE extract(hour FROM rental_date) BETWEEN 8 AND 11)
    FROM rental GROUP BY 1 ORDER BY 1
""")
def on_which_weekdays_do_people_rent() -> Any:
    weekday = extract("isodow", Rental.rental_date).label("weekday")
    morning = func.count().filter(extract("hour", Rental.rental_date).between(8, 11))
    return select(weekday, func.count(), morning).group_by(weekday).order_by(weekday)


# Recursive and lateral queries, values and functions as tables


@question("""
    WITH RECURSIVE near (actor_id, hops) AS (
        SELECT 1::bigint, 0
        UNION SELECT b.actor_id, n.hops + 1 FROM near n JOIN film_actor a ON a.actor_id = n.actor_id
            JOIN film_actor b ON b.film_id = a.film_id WHERE n.hops < 3
    )
    SELECT hops, count(*) FROM (SELECT actor_id, min(hops) AS hops FROM near GROUP BY actor_id) nearest GROUP BY 1 ORDER BY 1
""")
def how_many_actors_are_how_many_films_away_from_the_first() -> Any:
    begin = select(Actor.actor_id, literal(0).label("hops")).where(Actor.actor_id == 1).cte("near", recursive=True)
    one, other = alias(FilmActor, "one"), alias(FilmActor, "other")
    near = begin.union(
        select(other.actor_id, begin.c.hops + 1)
        .select_from(begin)
        .join(one, one.actor_id == begin.c.actor_id)
        .join(other, other.film_id == one.film_id)
        .where(begin.c.hops < 3)
    )
    nearest = select(near.c.actor_id, func.min(near.c.hops).label("hops")).group_by(near.c.actor_id).subquery("nearest")
    return select(nearest.c.hops, func.count()).group_by(nearest.c.hops).order_by(nearest.c.hops)


@question("""
    SELECT c.customer_id, last.title, last.rental_date FROM customer c CROSS JOIN LATERAL (
        SELECT f.title, r.rental_date FROM rental r JOIN inventory USING (inventory_id) JOIN film f USING (film_id)
        WHERE r.customer_id = c.customer_id ORDER BY r.rental_date DESC LIMIT 2
    ) last WHERE c.customer_id <= 10 ORDER BY c.customer_id, last.rental_date
""")
def which_two_films_did_some_customers_rent_last() -> Any:
    last = (
        select(Film.title, Rental.rental_date)
        .select_from(Rental)
        .join(Rental.inventory)
        .join(Inventory.film)
        .where(Rental.customer_id == Customer.customer_id)
        .order_by(Rental.rental_date.desc())
        .limit(2)
        .lateral("last")
    )
    return (
        select(Customer.customer_id, last.c.title, last.c.rental_date)
        .select_from(Customer)
        .join(last)
        .where(Customer.customer_id <= 10)
        .order_by(Customer.customer_id, last.c.rental_date)
    )


@question("""
    SELECT d.day::date, count(r.rental_id) FROM generate_series('2022-04-28Z'::timestamptz, '2022-05-05Z', '1 day') AS d (day)
    LEFT JOIN rental r ON r.rental_date >= d.day AND r.rental_date < d.day + interval '1 day' GROUP BY d.day ORDER BY d.day
""")
def how_many_rentals_began_on_each_day_of_a_week() -> Any:
    one_day, first = timedelta(days=1), datetime(2022, 4, 28, tzinfo=UTC)
    days = func.generate_series(first, first + 7 * one_day, literal(one_day, "interval")).table_valued("day")
    day = days.c.day
    began = and_(Rental.rental_date >= day, Rental.rental_date < day + literal(one_day, "interval"))
    return (
        select(cast(day, date), func.count(Rental.rental_id))
        .select_from(days)
        .left_join(Rental, began)
        .group_by(day)
        .order_by(day)
    )


@question("""
    SELECT f.title, w.reason FROM film f JOIN (VALUES (3, 'gift'), (5, 'sequel'), (9, NULL)) w (film_id, reason) USING (film_id)
    ORDER BY f.film_id
""")
def what_are_the_titles_of_a_list_of_wishes() -> Any:
    wishes = values("wishes", {"film_id": int, "reason": str}, [(3, "gift"), (5, "sequel"), (9, None)])
    return select(Film.title, wishes.c.reason).join(wishes, wishes.c.film_id == Film.film_id).order_by(Film.film_id)


@question("""
    SELECT last_name, customer_id FROM customer WHERE (last_name, customer_id) > ('Johansson', 50)
    ORDER BY last_name, customer_id LIMIT 12
""")
def what_is_the_page_of_customers_behind_a_row() -> Any:
    people = select(Customer.last_name, Customer.customer_id).order_by(Customer.last_name, Customer.customer_id)
    return people.after("Johansson", 50).limit(12)


# Across links


@question("""
    SELECT f.title FROM film f
    WHERE EXISTS (SELECT FROM film_category fc JOIN category c USING (category_id)
                  WHERE fc.film_id = f.film_id AND c.name IN ('Action', 'Comedy'))
    AND EXISTS (SELECT FROM film_actor fa JOIN actor a USING (actor_id) WHERE fa.film_id = f.film_id AND a.last_name = 'Monroe')
    ORDER BY f.title
""")
def in_which_action_films_and_comedies_does_a_monroe_play() -> Any:
    kinds = Film.categories.any(Category.name.in_(["Action", "Comedy"]))
    return select(Film.title).where(kinds, Film.actors.any(Actor.last_name == "Monroe")).order_by(Film.title)


@question("""
    SELECT c.customer_id FROM customer c
    WHERE EXISTS (SELECT FROM rental r WHERE r.customer_id = c.customer_id AND r.return_date IS NULL)
    AND EXISTS (SELECT FROM address a WHERE a.address_id = c.address_id AND a.district = 'District 3') ORDER BY 1
""")
def who_of_a_district_has_something_out() -> Any:
    out = Customer.rentals.any(Rental.return_date.is_(None))
    there = Customer.address.has(Address.district == "District 3")
    return select(Customer.customer_id).where(out, there).order_by(Customer.customer_id)


@question("""
    SELECT a.actor_id, count(DISTINCT c.category_id) FROM actor a JOIN film_actor USING (actor_id)
    JOIN film_category USING (film_id) JOIN category c USING (category_id) GROUP BY a.actor_id ORDER BY 2 DESC, 1 LIMIT 8
""")
def which_actors_play_in_most_categories() -> Any:
    number = func.count(Category.category_id).distinct()
    return (
        select(Actor.actor_id, number)
        .join(Actor.films)
        .join(Film.categories)
        .group_by(Actor.actor_id)
        .order_by(number.desc(), Actor.actor_id)
        .limit(8)
    )


@question("""
    SELECT DISTINCT ci.city FROM rental r JOIN customer USING (customer_id) JOIN address USING (address_id)
    JOIN city ci USING (city_id) WHERE r.rental_id <= 20 ORDER BY 1
""")
def where_do_the_first_customers_live() -> Any:
    city = Rental.customer.address.city.city
    return select(city).where(Rental.rental_id <= 20).distinct().order_by(city)


@pytest.mark.smoke
@pytest.mark.parametrize(("ask", "sql"), QUESTIONS)
async def test_question(sakila: pg.Database, ask: Ask, sql: str) -> None:
    expected = [tuple(row) for row in await sakila.fetch(sql)]
    assert expected, "a question that finds nothing proves nothing"
    assert await ask() == expected


def test_the_blocking_front_answers_the_same(sakila_url: str) -> None:
    with pg.connect_sync(sakila_url, pool_max=1) as db:
        for ask, sql in (question.values for question in QUESTIONS):
            assert ask().all() == [tuple(row) for row in db.fetch(sql)], ask.__name__
